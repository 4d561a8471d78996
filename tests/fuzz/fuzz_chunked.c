/* fuzz_chunked: chunked content, whole and octet by octet: the same data and the same verdict. */
#include "fuzz.h"

#include <string.h>

#include "http_body.h"

struct decoded {
    char *data;
    size_t len;
    size_t taken; /* of the input, up to the verdict */
    enum http_chunk_part verdict;
};

static struct decoded decode(enum http_kind kind, const char *octets, size_t size, size_t step)
{
    struct http_chunked chunked;
    struct decoded result = {.data = malloc(size + 1), .verdict = HTTP_CHUNK_MORE};

    http_chunked_init(&chunked, kind, 256);
    while (result.taken < size) {
        size_t left = size - result.taken;
        size_t taken;
        struct slice in = {octets + result.taken, left < step ? left : step};
        enum http_chunk_part part = http_chunked_take(&chunked, in, &taken);
        MUST(taken <= in.len);
        if (part == HTTP_CHUNK_DATA) {
            memcpy(result.data + result.len, in.at, taken);
            result.len += taken;
        }
        result.taken += taken;
        if (part == HTTP_CHUNK_END || part == HTTP_CHUNK_BAD) {
            result.verdict = part;
            break;
        }
        MUST(taken > 0);
    }
    return result;
}

static void compare(enum http_kind kind, const char *octets, size_t size)
{
    struct decoded whole = decode(kind, octets, size, size);
    struct decoded drip = decode(kind, octets, size, 1);

    MUST(whole.verdict == drip.verdict);
    MUST(whole.len == drip.len && memcmp(whole.data, drip.data, whole.len) == 0);
    MUST(whole.verdict == HTTP_CHUNK_BAD || whole.taken == drip.taken);
    free(whole.data);
    free(drip.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *octets = fuzz_copy(data, size);

    compare(HTTP_REQUEST, octets, size);
    compare(HTTP_RESPONSE, octets, size);
    free(octets);
    return 0;
}
