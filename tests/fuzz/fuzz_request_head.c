/* fuzz_request_head: a request head, whole and in two pieces; what is accepted is rewritten, and
 * the result must be a head that the strict parser accepts, with our fields and one framing. */
#include "fuzz.h"

#include <string.h>

#include "http_field.h"
#include "http_request.h"
#include "method_guard.h"
#include "rewrite.h"
#include "route.h"

static enum http_progress parse_in_two(const char *octets, size_t size, size_t split,
                                       struct http_head *head)
{
    http_head_init(head, HTTP_REQUEST, config_request_limits(fuzz_config()));
    enum http_progress progress = http_head_parse(head, octets, split);
    return progress == HTTP_PARTIAL ? http_head_parse(head, octets, size) : progress;
}

static unsigned count_fields(struct slice fields, const char *name)
{
    struct http_field field;
    unsigned count = 0;

    while (http_field_next(&fields, &field))
        count += slice_equals_nocase(field.name, slice_of(name));
    return count;
}

/* The route that the request takes, if it may go on. */
static const struct config_route *route_of(const struct http_request *request)
{
    const struct config_route *route = NULL;
    bool found = route_choose(fuzz_config(), request, &route) == ROUTE_FOUND;

    MUST(found == (route != NULL));
    return found && method_guard_judge(route, request) == METHOD_SERVED ? route : NULL;
}

/* What goes on is below the target's base path, whatever was taken off. */
static void check_target(const struct http_request *request, const struct http_request *again)
{
    static const char base[] = "/base/";

    if (slice_equals(request->target, slice_of("*")))
        return;
    MUST(again->target.len >= strlen(base) && memcmp(again->target.at, base, strlen(base)) == 0);
    MUST(again->target.len <= request->target.len + strlen(base));
}

static void check_rewritten(const struct http_request *request)
{
    const struct config_route *route = route_of(request);
    const struct http_limits limits = {1 << 20, 1 << 20, 1 << 20};
    const struct value_context context = {slice_of("0123456789abcdef0123456789abcdef"),
                                          slice_of("127.0.0.1"), false};
    struct http_head head;
    struct http_request again;
    struct http_fault fault;
    struct buffer out;

    if (route == NULL)
        return;
    MUST(buffer_init(&out, 64 * 1024));
    MUST(rewrite_request(request, route, &context, &out));
    http_head_init(&head, HTTP_REQUEST, limits);
    MUST(http_head_parse(&head, out.at, out.end) == HTTP_COMPLETE);
    MUST(head.length == out.end);
    MUST(http_request_read(&head, &again, &fault));
    check_target(request, &again);
    MUST(again.framing == request->framing && again.length == request->length);
    MUST(slice_equals(again.authority, slice_of("target.example")));
    MUST(count_fields(again.fields, "Host") == 1);
    MUST(count_fields(again.fields, "Authorization") == 1);
    MUST(count_fields(again.fields, "X-Drop") == 0);
    MUST(count_fields(again.fields, "Proxy-Authorization") == 0);
    MUST(count_fields(again.fields, "Keep-Alive") == 0);
    MUST(count_fields(again.fields, "X-Forwarded-For") == 1);
    MUST(count_fields(again.fields, "X-Forwarded-Proto") == 1);
    MUST(count_fields(again.fields, "X-Forwarded-Host") == (request->authority.len > 0));
    MUST(count_fields(again.fields, "Forwarded") == 0);
    MUST(count_fields(again.fields, "Via") >= 1);
    buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_head whole;
    struct http_head split;
    struct http_request request;
    struct http_fault fault;
    size_t at = size > 0 ? data[0] * size / 256 : 0;
    char *octets = fuzz_copy(data, size);

    http_head_init(&whole, HTTP_REQUEST, config_request_limits(fuzz_config()));
    enum http_progress progress = http_head_parse(&whole, octets, size);
    enum http_progress in_two = parse_in_two(octets, size, at, &split);
    MUST(in_two == progress);
    if (progress == HTTP_BAD)
        MUST(whole.fault.status == split.fault.status);
    if (progress == HTTP_COMPLETE && http_request_read(&whole, &request, &fault) &&
        !(request.has_max_forwards && request.max_forwards == 0))
        check_rewritten(&request);
    free(octets);
    return 0;
}
