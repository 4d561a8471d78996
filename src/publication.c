/* publication: a text that one process writes and others read. */
#include "publication.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define TRIES 8 /* of a reader whom the writer overtakes: two texts within one copy */

/* Texts are written by turns into two places: the one with the number of the version that is in
 * force is not touched until the next version is in force. */
struct place {
    long long until;
    size_t len;
};

struct publication {
    _Atomic uint32_t version;
    size_t cap;
    struct place places[2];
    char texts[]; /* two of cap octets */
};

static size_t size_of(size_t cap)
{
    return sizeof(struct publication) + 2 * cap;
}

struct publication *publication_new(size_t cap)
{
    struct publication *publication = mmap(NULL, size_of(cap), PROT_READ | PROT_WRITE,
                                           MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (publication == MAP_FAILED)
        return NULL;
    madvise(publication, size_of(cap), MADV_DONTDUMP);
    publication->cap = cap;
    return publication;
}

void publication_free(struct publication *publication)
{
    if (publication != NULL)
        munmap(publication, size_of(publication->cap));
}

bool publication_put(struct publication *publication, struct slice text, long long until)
{
    uint32_t version = atomic_load_explicit(&publication->version, memory_order_relaxed);
    unsigned fresh = (version + 1) % 2;
    unsigned stale = version % 2;

    if (text.len > publication->cap)
        return false;
    if (text.len > 0)
        memcpy(publication->texts + fresh * publication->cap, text.at, text.len);
    publication->places[fresh] = (struct place){until, text.len};
    /* 0 says that there is none: it is left out when numbers begin anew, and parity stays. */
    atomic_store_explicit(&publication->version, version == UINT32_MAX ? 2 : version + 1,
                          memory_order_release);
    atomic_thread_fence(memory_order_seq_cst);
    explicit_bzero(publication->texts + stale * publication->cap, publication->places[stale].len);
    return true;
}

uint32_t publication_version(const struct publication *publication)
{
    return atomic_load_explicit(&publication->version, memory_order_acquire);
}

void publication_forget(struct publication_copy *copy)
{
    if (copy->text != NULL)
        explicit_bzero(copy->text, copy->len);
    free(copy->text);
    *copy = (struct publication_copy){0};
}

/* Copies what is in force. false when memory is short, or the writer was quicker. */
static bool copy_text(const struct publication *publication, uint32_t version,
                      struct publication_copy *copy)
{
    unsigned at = version % 2;
    struct place place = publication->places[at];

    if (place.len > publication->cap)
        return false;
    copy->text = place.len > 0 ? malloc(place.len) : NULL;
    if (place.len > 0 && copy->text == NULL)
        return false;
    if (place.len > 0)
        memcpy(copy->text, publication->texts + at * publication->cap, place.len);
    copy->len = place.len;
    copy->until = place.until;
    copy->version = version;
    atomic_thread_fence(memory_order_acquire);
    return atomic_load_explicit(&publication->version, memory_order_relaxed) == version;
}

bool publication_get(const struct publication *publication, struct publication_copy *copy)
{
    for (int i = 0; i < TRIES; i++) {
        uint32_t version = publication_version(publication);
        if (version == copy->version)
            return true;
        publication_forget(copy);
        if (copy_text(publication, version, copy))
            return true;
    }
    publication_forget(copy);
    return false;
}
