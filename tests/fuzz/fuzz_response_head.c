/* fuzz_response_head: a response head, to a GET, a HEAD and an upgrade; what is accepted is
 * rewritten, and the result must be a head that the strict parser accepts. */
#include "fuzz.h"

#include <string.h>

#include "http_response.h"
#include "rewrite.h"

static const char *const requests[] = {
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
};

static const struct http_limits limits = {1 << 20, 1 << 20, 1 << 20};

static void check_rewritten(const struct http_response *response,
                            const struct http_request *request)
{
    const struct value_context context = {slice_of("0123456789abcdef0123456789abcdef"),
                                          slice_of("127.0.0.1"), false};
    bool unchunk = request->minor == 0 && response->framing == HTTP_FRAMING_CHUNKED;
    struct http_response again;
    struct http_head head;
    struct http_fault fault;
    struct buffer out;

    MUST(buffer_init(&out, 1 << 20));
    MUST(rewrite_response(response, request, fuzz_config()->routes, &context, REWRITE_KEEP, &out));
    http_head_init(&head, HTTP_RESPONSE, limits);
    MUST(http_head_parse(&head, out.at, out.end) == HTTP_COMPLETE);
    MUST(head.length == out.end);
    MUST(head.status == response->status);
    MUST(http_response_read(&head, request, &again, &fault));
    MUST(unchunk || (again.framing == response->framing && again.length == response->length));
    buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *octets = fuzz_copy(data, size);

    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        struct http_head request_head;
        struct http_request request;
        struct http_head head;
        struct http_response response;
        struct http_fault fault;

        http_head_init(&request_head, HTTP_REQUEST, limits);
        MUST(http_head_parse(&request_head, requests[i], strlen(requests[i])) == HTTP_COMPLETE);
        MUST(http_request_read(&request_head, &request, &fault));
        http_head_init(&head, HTTP_RESPONSE, limits);
        if (http_head_parse(&head, octets, size) == HTTP_COMPLETE &&
            http_response_read(&head, &request, &response, &fault))
            check_rewritten(&response, &request);
    }
    free(octets);
    return 0;
}
