/* tls_session: the last TLS session with each target, shared by all children. */
#include "tls_session.h"

#include <openssl/ssl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "clock.h"

#define SESSION_BYTES_MAX 8192
#define YOUNG_MS          5000

/* Written under a sequence lock: version is odd while somebody writes. A writer that is killed
 * leaves it odd; connections then begin anew, as without a store. */
struct kept_session {
    atomic_uint version;
    long long stored_ms;
    int len;
    unsigned char octets[SESSION_BYTES_MAX]; /* DER (i2d_SSL_SESSION(3)) */
};

struct tls_session_store {
    size_t targets;
    struct kept_session sessions[];
};

static size_t bytes_of(size_t targets)
{
    return sizeof(struct tls_session_store) + targets * sizeof(struct kept_session);
}

struct tls_session_store *tls_session_store_new(size_t targets)
{
    void *memory = mmap(NULL, bytes_of(targets), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (memory == MAP_FAILED)
        return NULL;
    madvise(memory, bytes_of(targets), MADV_DONTDUMP);
    struct tls_session_store *store = memory;
    store->targets = targets;
    return store;
}

void tls_session_store_free(struct tls_session_store *store)
{
    if (store != NULL)
        munmap(store, bytes_of(store->targets));
}

void tls_session_offer(const struct tls_session_store *store, size_t target, SSL *tls)
{
    unsigned char octets[SESSION_BYTES_MAX];
    const unsigned char *at = octets;

    if (store == NULL)
        return;
    const struct kept_session *kept = &store->sessions[target];
    unsigned version = atomic_load_explicit(&kept->version, memory_order_acquire);
    int len = kept->len;
    if (version % 2 != 0 || len <= 0 || len > SESSION_BYTES_MAX)
        return;
    memcpy(octets, kept->octets, (size_t)len);
    atomic_thread_fence(memory_order_acquire);
    if (atomic_load_explicit(&kept->version, memory_order_relaxed) != version)
        return;
    SSL_SESSION *session = d2i_SSL_SESSION(NULL, &at, len);
    if (session != NULL)
        SSL_set_session(tls, session);
    SSL_SESSION_free(session);
    explicit_bzero(octets, (size_t)len);
}

void tls_session_keep(struct tls_session_store *store, size_t target, SSL_SESSION *session)
{
    int len = i2d_SSL_SESSION(session, NULL);

    if (store == NULL || len <= 0 || len > SESSION_BYTES_MAX || !SSL_SESSION_is_resumable(session))
        return;
    struct kept_session *kept = &store->sessions[target];
    long long now = clock_now_ms();
    unsigned version = atomic_load_explicit(&kept->version, memory_order_relaxed);
    if (version % 2 != 0 || (kept->len > 0 && now - kept->stored_ms < YOUNG_MS) ||
        !atomic_compare_exchange_strong_explicit(&kept->version, &version, version + 1,
                                                 memory_order_acquire, memory_order_relaxed))
        return;
    unsigned char *at = kept->octets;
    kept->len = i2d_SSL_SESSION(session, &at);
    kept->stored_ms = now;
    atomic_store_explicit(&kept->version, version + 2, memory_order_release);
}
