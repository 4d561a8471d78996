/* Tests of forwarded, in the heads that rewrite makes: X-Forwarded-For and its kin, Forwarded (RFC
 * 7239), Via (RFC 9110 7.6.3). */
#include <string.h>

#include "rewrite.h"
#include "support.h"

#define X       "[proxy]\nforwarded = x-forwarded\n"
#define RFC7239 "[proxy]\nforwarded = rfc7239\n"
#define VIA     "[proxy]\nvia = on\n"
#define GET     "GET /a HTTP/1.1\r\n"
#define HOST    "Host: client.example\r\n"
#define HOSTED  GET "Host: target.example\r\n"
#define OURS_X                                                                                     \
    "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: "                  \
    "client.example\r\n"
#define OURS "Forwarded: for=192.0.2.7;host=client.example;proto=http\r\n"
#define FORGED                                                                                     \
    "x-forwarded-for: 10.0.0.1\r\nX_Forwarded_For: 10.0.0.2\r\nX-Forwarded-For: 10.0.0.3\r\n"      \
    "X-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-Port: 1\r\n"        \
    "forwarded: for=10.0.0.4\r\nForwarded: host=evil.example\r\n"

static const struct request_row {
    const char *name, *settings;
    bool is_trusted;
    const char *client; /* NULL: 192.0.2.7 */
    const char *request, *expected;
} request_rows[] = {
    {"off changes nothing", "", false, NULL, GET HOST FORGED "Via: 1.0 a\r\n\r\n",
     HOSTED FORGED "Via: 1.0 a\r\n\r\n"},

    {"x-forwarded", X, false, NULL, GET HOST "A: b\r\n\r\n", HOSTED "A: b\r\n" OURS_X "\r\n"},
    {"x-forwarded, forged", X, false, NULL, GET HOST FORGED "A: b\r\n\r\n",
     HOSTED "A: b\r\n" OURS_X "\r\n"},
    {"x-forwarded from a trusted peer: appended", X, true, NULL,
     GET HOST "X-Forwarded-For: 10.0.0.1, 10.0.0.2\r\nA: b\r\nx-forwarded-for:10.0.0.3\r\n\r\n",
     HOSTED "A: b\r\nX-Forwarded-For: 10.0.0.1, 10.0.0.2, 10.0.0.3, 192.0.2.7\r\n"
            "X-Forwarded-Proto: http\r\nX-Forwarded-Host: client.example\r\n\r\n"},
    {"x-forwarded from a trusted peer: kept", X, true, NULL,
     GET HOST "X-Forwarded-Proto: https\r\nX-Forwarded-Host: a.example\r\nForwarded: for=a\r\n"
              "X-Forwarded-Port: 443\r\n\r\n",
     HOSTED "X-Forwarded-Proto: https\r\nX-Forwarded-Host: a.example\r\nForwarded: for=a\r\n"
            "X-Forwarded-Port: 443\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n"},
    {"x-forwarded from a trusted peer: empty", X, true, NULL,
     GET HOST "X-Forwarded-For:\r\nX-Forwarded-For: \r\n\r\n", HOSTED OURS_X "\r\n"},
    {"x-forwarded that Connection names is not for the target", X, true, NULL,
     GET HOST "X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-Proto: https\r\n"
              "Connection: x-forwarded-for, x-forwarded-proto\r\n\r\n",
     HOSTED OURS_X "\r\n"},
    {"ours cannot be nominated away", X, false, NULL,
     GET HOST "Connection: X-Forwarded-For, X-Forwarded-Host\r\n\r\n", HOSTED OURS_X "\r\n"},
    {"x-forwarded of IPv6", X, false, "2001:db8::7", GET HOST "\r\n",
     HOSTED "X-Forwarded-For: 2001:db8::7\r\nX-Forwarded-Proto: http\r\n"
            "X-Forwarded-Host: client.example\r\n\r\n"},
    {"x-forwarded of a Unix socket", X, false, "unix:", GET HOST "\r\n",
     HOSTED "X-Forwarded-For: unknown\r\nX-Forwarded-Proto: http\r\n"
            "X-Forwarded-Host: client.example\r\n\r\n"},
    {"x-forwarded without Host", X, false, NULL, "GET /a HTTP/1.0\r\n\r\n",
     HOSTED "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: http\r\n\r\n"},
    {"x-forwarded of an absolute-form target", X, false, NULL,
     "GET http://b.example:81/a HTTP/1.1\r\n" HOST "\r\n",
     HOSTED "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: http\r\n"
            "X-Forwarded-Host: b.example:81\r\n\r\n"},
    {"configured fields take the place", X "[request-headers]\nX-Forwarded-For = c\n", false, NULL,
     GET HOST FORGED "\r\n",
     HOSTED "X-Forwarded-Proto: http\r\nX-Forwarded-Host: client.example\r\n"
            "X-Forwarded-For: c\r\n\r\n"},
    {"configured to be removed", X "[request-headers]\nX-Forwarded-Host =\n", true, NULL,
     GET HOST FORGED "\r\n",
     HOSTED "X-Forwarded-Proto: https\r\nX-Forwarded-Port: 1\r\nforwarded: for=10.0.0.4\r\n"
            "Forwarded: host=evil.example\r\n"
            "X-Forwarded-For: 10.0.0.1, 10.0.0.2, 10.0.0.3, 192.0.2.7\r\n\r\n"},
    {"names that only look alike stay", X, false, NULL,
     GET HOST "X-Forwarded: a\r\nX-Forwarde-For: b\r\nX-ForwardedFor: c\r\n\r\n",
     HOSTED "X-Forwarded: a\r\nX-Forwarde-For: b\r\nX-ForwardedFor: c\r\n" OURS_X "\r\n"},
    {"a tunnel", X, false, NULL, GET HOST "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n",
     HOSTED "Upgrade: websocket\r\n" OURS_X "Connection: Upgrade\r\n\r\n"},

    {"rfc7239", RFC7239, false, NULL, GET HOST "\r\n", HOSTED OURS "\r\n"},
    {"rfc7239, forged", RFC7239, false, NULL, GET HOST FORGED "\r\n", HOSTED OURS "\r\n"},
    {"rfc7239 from a trusted peer", RFC7239, true, NULL,
     GET HOST "Forwarded: for=a;by=b, for=c\r\nforwarded: for=\"[::1]\"\r\n"
              "X-Forwarded-For: d\r\n\r\n",
     HOSTED "X-Forwarded-For: d\r\nForwarded: for=a;by=b, for=c, for=\"[::1]\", "
            "for=192.0.2.7;host=client.example;proto=http\r\n\r\n"},
    {"rfc7239 of IPv6 (6)", RFC7239, false, "2001:db8::7", GET HOST "\r\n",
     HOSTED "Forwarded: for=\"[2001:db8::7]\";host=client.example;proto=http\r\n\r\n"},
    {"rfc7239 of a Unix socket (6.2)", RFC7239, false, "unix:", GET HOST "\r\n",
     HOSTED "Forwarded: for=unknown;host=client.example;proto=http\r\n\r\n"},
    {"rfc7239 with a port in Host", RFC7239, false, NULL, GET "Host: a.example:81\r\n\r\n",
     HOSTED "Forwarded: for=192.0.2.7;host=\"a.example:81\";proto=http\r\n\r\n"},
    {"rfc7239 with IPv6 in Host", RFC7239, false, NULL, GET "Host: [::1]\r\n\r\n",
     HOSTED "Forwarded: for=192.0.2.7;host=\"[::1]\";proto=http\r\n\r\n"},
    {"rfc7239 with odd octets in Host", RFC7239, false, NULL, GET "Host: a;b=(c)\r\n\r\n",
     HOSTED "Forwarded: for=192.0.2.7;host=\"a;b=(c)\";proto=http\r\n\r\n"},
    {"rfc7239 without Host", RFC7239, false, NULL, "GET /a HTTP/1.0\r\n\r\n",
     HOSTED "Forwarded: for=192.0.2.7;proto=http\r\n\r\n"},
    {"rfc7239 with a configured field", RFC7239 "[request-headers]\nForwarded = c\n", true, NULL,
     GET HOST FORGED "\r\n",
     HOSTED "x-forwarded-for: 10.0.0.1\r\nX_Forwarded_For: 10.0.0.2\r\n"
            "X-Forwarded-For: 10.0.0.3\r\nX-Forwarded-Proto: https\r\n"
            "X-Forwarded-Host: evil.example\r\nX-Forwarded-Port: 1\r\nForwarded: c\r\n\r\n"},

    {"Via", VIA, false, NULL, GET HOST "\r\n", HOSTED "Via: 1.1 authbridge\r\n\r\n"},
    {"Via behind others", VIA, false, NULL, GET HOST "via: 1.0 a, 1.1 b\r\nA: b\r\n\r\n",
     HOSTED "via: 1.0 a, 1.1 b\r\nA: b\r\nVia: 1.1 authbridge\r\n\r\n"},
    {"Via of 1.0", VIA, false, NULL, "GET /a HTTP/1.0\r\n" HOST "\r\n",
     HOSTED "Via: 1.0 authbridge\r\n\r\n"},
    {"Via that is configured", VIA "[request-headers]\nVia = c\n", false, NULL,
     GET HOST "Via: d\r\n\r\n", HOSTED "Via: c\r\n\r\n"},
    {"all at once", X "via = on\n[request-headers]\nX-Key = k\n", false, NULL, GET HOST "\r\n",
     HOSTED OURS_X "Via: 1.1 authbridge\r\nX-Key: k\r\n\r\n"},
};

static struct value_context context_of(bool is_trusted, const char *client)
{
    return (struct value_context){
        .request_id = {"id", 2},
        .client_ip = slice_of(client != NULL ? client : "192.0.2.7"),
        .client_is_trusted = is_trusted,
    };
}

static void check_request(const void *at)
{
    const struct request_row *row = at;
    const struct config *config = config_of(row->settings);
    struct value_context context = context_of(row->is_trusted, row->client);
    struct slice octets = guarded(slice_of(row->request));
    struct http_request request;
    struct http_fault fault;
    struct buffer *out = new_buffer(4096);

    if (!check(read_request(octets, &request, &fault), "refused"))
        return;
    check(rewrite_request(&request, config->routes, &context, out), "no room");
    check_octets("head", buffer_content(out), slice_of(row->expected));
    check(
        !rewrite_request(&request, config->routes, &context, new_buffer(strlen(row->expected) - 1)),
        "one octet short");
}

/* ---- trailers: a target that takes them for fields of the head is not fooled ---- */

static const struct trailer_row {
    const char *name, *settings;
    bool is_trusted;
    const char *expected;
} trailer_rows[] = {
    {"off", "", false, FORGED "A: b\r\n"},
    {"x-forwarded", X, false, "A: b\r\n"},
    {"rfc7239", RFC7239, false, "A: b\r\n"},
    {"x-forwarded from a trusted peer", X, true,
     "X-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-Port: 1\r\n"
     "forwarded: for=10.0.0.4\r\nForwarded: host=evil.example\r\nA: b\r\n"},
};

static void check_trailers(const void *at)
{
    const struct trailer_row *row = at;
    struct value_context context = context_of(row->is_trusted, NULL);
    struct http_request request = request_of(GET HOST "Transfer-Encoding: chunked\r\n\r\n");
    struct buffer *out = new_buffer(1024);

    check(rewrite_trailers(slice_of(FORGED "A: b\r\n"), &request, config_of(row->settings)->routes,
                           &context, out),
          "no room");
    check_octets("trailers", buffer_content(out), slice_of(row->expected));
}

/* ---- responses ---- */

#define DATE "Date: Tue, 15 Nov 1994 08:12:31 GMT\r\n"

static const struct response_row {
    const char *name, *settings, *response, *expected;
} response_rows[] = {
    {"off", "", "HTTP/1.1 200 OK\r\n" DATE "\r\n", "HTTP/1.1 200 OK\r\n" DATE "\r\n"},
    {"forwarded is for requests", X, "HTTP/1.1 200 OK\r\n" DATE "\r\n",
     "HTTP/1.1 200 OK\r\n" DATE "\r\n"},
    {"Via", VIA, "HTTP/1.1 200 OK\r\n" DATE "\r\n",
     "HTTP/1.1 200 OK\r\n" DATE "Via: 1.1 authbridge\r\n\r\n"},
    {"Via of 1.0, behind another", VIA, "HTTP/1.0 200 OK\r\nVia: 1.1 a\r\n" DATE "\r\n",
     "HTTP/1.1 200 OK\r\nVia: 1.1 a\r\n" DATE "Via: 1.0 authbridge\r\n\r\n"},
    {"Via that is configured", VIA "[response-headers]\nVia =\n",
     "HTTP/1.1 200 OK\r\nVia: 1.1 a\r\n" DATE "\r\n", "HTTP/1.1 200 OK\r\n" DATE "\r\n"},
    {"not on interim responses", VIA, "HTTP/1.1 103 x\r\nLink: a\r\n\r\n",
     "HTTP/1.1 103 x\r\nLink: a\r\n\r\n"},
};

static void check_response(const void *at)
{
    const struct response_row *row = at;
    struct value_context context = context_of(false, NULL);
    struct http_request request = request_of(GET HOST "\r\n");
    struct http_head head = head_of(HTTP_RESPONSE, guarded(slice_of(row->response)));
    struct http_response response;
    struct http_fault fault;
    struct buffer *out = new_buffer(1024);

    if (!check(http_response_read(&head, &request, &response, &fault), "refused"))
        return;
    check(rewrite_response(&response, &request, config_of(row->settings)->routes, &context,
                           REWRITE_KEEP, out),
          "no room");
    check_octets("head", buffer_content(out), slice_of(row->expected));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROWS(request_rows, check_request),
        ROWS(trailer_rows, check_trailers),
        ROWS(response_rows, check_response),
    };

    return cmocka_run_group_tests_name("forwarded", tests, NULL, NULL);
}
