/* fuzz_proxy_header: the PROXY protocol's header, whole and growing octet by octet. Once it is bad
 * or complete it stays so whatever follows, and what is complete ends within the octets. */
#include "fuzz.h"

#include "proxy_header.h"

static void check_complete(const struct proxy_header *header, size_t size)
{
    char text[ADDRESS_TEXT_BYTES];

    MUST(header->length > 0 && header->length <= size);
    MUST(header->length <= PROXY_HEADER_BYTES_MAX);
    if (!header->has_source)
        return;
    address_format(&header->source, text);
    MUST(!address_is_unix(&header->source) && text[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct proxy_header whole;
    struct proxy_header part;
    char *octets = fuzz_copy(data, size);
    enum proxy_header_progress growing = PROXY_HEADER_PARTIAL;

    enum proxy_header_progress progress = proxy_header_parse(&whole, octets, size);
    for (size_t len = 0; len <= size && growing == PROXY_HEADER_PARTIAL; len++) {
        growing = proxy_header_parse(&part, octets, len);
        if (growing == PROXY_HEADER_COMPLETE)
            MUST(part.length == len);
    }
    MUST(growing == progress);
    if (progress == PROXY_HEADER_BAD)
        MUST(whole.fault != NULL && part.fault != NULL);
    if (progress == PROXY_HEADER_COMPLETE) {
        check_complete(&whole, size);
        MUST(part.length == whole.length && part.has_source == whole.has_source);
        MUST(!part.has_source || address_equals(&part.source, &whole.source));
    }
    free(octets);
    return 0;
}
