/* fuzz_screen: chunked content in which texts are masked, whole and in pieces: the same octets in
 * the end, of the same length, and no text among them. The input's first octet is the pieces' size.
 */
#include "fuzz.h"

#include <string.h>

#include "screen.h"

static const struct slice texts[] = {
    {"abcabcab", 8}, {"aabaabaa", 8}, {"cabcab--", 8}, {"abca", 4}};

struct masked {
    char *octets; /* as many as were given */
    size_t passed, held;
    char *content;
    size_t content_len;
    bool blocked, over, bad;
};

static void take(struct masked *masked, struct screen *screen, struct http_chunked *chunked,
                 size_t end)
{
    size_t seen = masked->passed + masked->held;

    while (seen < end && !masked->blocked && !masked->over) {
        size_t taken;
        struct slice in = {masked->octets + seen, end - seen};
        enum http_chunk_part part = http_chunked_take(chunked, in, &taken);
        masked->bad = part == HTTP_CHUNK_BAD;
        masked->over = masked->bad || part == HTTP_CHUNK_END;
        masked->held += taken;
        seen += taken;
        masked->blocked =
            !screen_look(screen, part, masked->octets + masked->passed, masked->held, taken);
    }
}

static struct masked mask(const struct reflect *reflect, const char *octets, size_t size,
                          size_t step)
{
    struct masked masked = {.octets = fuzz_copy((const uint8_t *)octets, size)};
    struct screen screen = {.reflect = reflect};
    struct http_chunked chunked;
    size_t end = 0;

    http_chunked_init(&chunked, HTTP_RESPONSE, 256);
    screen_begin(&screen, &chunked);
    while (end < size && !masked.blocked && !masked.over) {
        size_t released;
        end = size - end < step ? size : end + step;
        take(&masked, &screen, &chunked, end);
        if (masked.blocked)
            break;
        MUST(screen_release(&screen, &chunked, masked.octets + masked.passed, masked.held,
                            &released));
        MUST(released <= masked.held);
        masked.passed += released;
        masked.held -= released;
    }
    return masked;
}

/* The content, by a reader of its own. */
static void decode(struct masked *masked)
{
    struct http_chunked chunked;
    size_t size = masked->passed + (masked->blocked ? 0 : masked->held);
    size_t at = 0;

    masked->content = malloc(size + 1);
    http_chunked_init(&chunked, HTTP_RESPONSE, 256);
    while (at < size) {
        size_t taken;
        struct slice in = {masked->octets + at, size - at};
        enum http_chunk_part part = http_chunked_take(&chunked, in, &taken);
        if (taken == 0)
            break;
        if (part == HTTP_CHUNK_DATA) {
            memcpy(masked->content + masked->content_len, in.at, taken);
            masked->content_len += taken;
        }
        at += taken;
    }
}

static void check(const struct masked *masked)
{
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        MUST(memmem(masked->content, masked->content_len, texts[i].at, texts[i].len) == NULL);
}

static void release(struct masked *masked)
{
    free(masked->octets);
    free(masked->content);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct reflect *reflect;

    if (reflect == NULL)
        reflect = reflect_new(texts, sizeof texts / sizeof texts[0]);
    MUST(reflect != NULL);
    if (size < 2)
        return 0;
    const char *octets = (const char *)data + 1;
    struct masked whole = mask(reflect, octets, size - 1, size);
    struct masked drip = mask(reflect, octets, size - 1, 1 + data[0] % 32);

    decode(&whole);
    decode(&drip);
    check(&whole);
    check(&drip);
    if (!whole.bad && !drip.bad) { /* else it depends on the pieces how far it is read */
        MUST(whole.blocked == drip.blocked);
        MUST(whole.blocked || whole.passed + whole.held == drip.passed + drip.held);
    }
    if (!whole.blocked && !drip.blocked && !whole.bad && !drip.bad) {
        MUST(whole.content_len == drip.content_len &&
             memcmp(whole.content, drip.content, whole.content_len) == 0);
    }
    release(&whole);
    release(&drip);
    return 0;
}
