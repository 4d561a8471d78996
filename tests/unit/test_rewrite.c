/* Tests of rewrite: the exact octets of the heads that go to the target and to the client (RFC 9110
 * 7.6). */
#include <string.h>

#include "rewrite.h"
#include "support.h"

static const struct value_context context = {.request_id = OCTETS("id"), .client_ip = OCTETS("ip")};

static const struct config *config_for(const char *target, const char *settings)
{
    const struct config_source source = {
        .target = target != NULL ? target : "http://target.example",
        .file = new_file(slice_of(settings != NULL ? settings : "")),
    };
    const char *report;

    const struct config *config = load_config(&source, &report);
    if (config == NULL)
        fail_msg("refused: %s", report);
    return config;
}

/* ---- requests ---- */

#define GET_1_0 "GET /a HTTP/1.0\r\n"
#define GET_1_1 "GET /a HTTP/1.1\r\n"
#define HOST    "Host: client.example\r\n"
#define HOSTED  "Host: target.example\r\n"
#define INJECT  "[request-headers]\nX-Key = k\nX-Gone =\n"

static const struct request_row {
    const char *name, *target, *settings; /* NULL: http://target.example, none */
    const char *request, *expected;
} request_rows[] = {
    {"Host is the target's", NULL, NULL, GET_1_1 HOST "\r\n", GET_1_1 HOSTED "\r\n"},
    {"Host keeps its name and its place", NULL, NULL, GET_1_1 "A: b\r\nhost:c\r\nD: e\r\n\r\n",
     GET_1_1 "A: b\r\nhost: target.example\r\nD: e\r\n\r\n"},
    {"Host with the target's port", "http://target.example:8080", NULL, GET_1_1 HOST "\r\n",
     GET_1_1 "Host: target.example:8080\r\n\r\n"},
    {"Host without the scheme's port", "https://target.example:443", NULL, GET_1_1 HOST "\r\n",
     GET_1_1 HOSTED "\r\n"},
    {"Host as configured", NULL, "[proxy]\nhost = other.example:81\n", GET_1_1 HOST "\r\n",
     GET_1_1 "Host: other.example:81\r\n\r\n"},
    {"Host of a Unix socket", "unix:/run/a.sock", NULL, GET_1_1 HOST "\r\n",
     GET_1_1 "Host: localhost\r\n\r\n"},
    {"1.0 without Host gets one", NULL, NULL, GET_1_0 "A: b\r\n\r\n",
     GET_1_1 HOSTED "A: b\r\n\r\n"},
    {"1.0 with Host", NULL, NULL, GET_1_0 "A: b\r\n" HOST "\r\n", GET_1_1 "A: b\r\n" HOSTED "\r\n"},
    {"1.2 goes as 1.1 (2.3)", NULL, NULL, "GET /a HTTP/1.2\r\n" HOST "\r\n", GET_1_1 HOSTED "\r\n"},

    {"order, case and copies stay (0:5.3)", NULL, NULL,
     "get /a HTTP/1.1\r\nb: 1\r\n" HOST "A:2\r\nB:  3 \t\r\nCookie: c\r\nCookie: d\r\nE:\r\n\r\n",
     "get /a HTTP/1.1\r\nb: 1\r\n" HOSTED
     "A:2\r\nB:  3 \t\r\nCookie: c\r\nCookie: d\r\nE:\r\n\r\n"},
    {"obs-text stays (0:5.5)", NULL, NULL, GET_1_1 HOST "A: \x80\xE4\xFF\r\n\r\n",
     GET_1_1 HOSTED "A: \x80\xE4\xFF\r\n\r\n"},
    {"end-to-end fields stay (0:7.6)", NULL, NULL,
     GET_1_1 HOST "Authorization: a\r\nVia: 1.1 b\r\nForwarded: c\r\nX-Forwarded-For: d\r\n"
                  "Accept-Encoding: e\r\nUser-Agent: f\r\nTrailer: g\r\nDate: h\r\n\r\n",
     GET_1_1 HOSTED "Authorization: a\r\nVia: 1.1 b\r\nForwarded: c\r\nX-Forwarded-For: d\r\n"
                    "Accept-Encoding: e\r\nUser-Agent: f\r\nTrailer: g\r\nDate: h\r\n\r\n"},

    {"target goes verbatim (3.2)", NULL, NULL,
     "GET //a/../%2e/%zz?b=c&d=<\"{}> HTTP/1.1\r\n" HOST "\r\n",
     "GET //a/../%2e/%zz?b=c&d=<\"{}> HTTP/1.1\r\n" HOSTED "\r\n"},
    {"absolute-form becomes origin-form (3.2.2)", NULL, NULL,
     "GET http://x.example:81/a HTTP/1.1\r\n" HOST "\r\n", GET_1_1 HOSTED "\r\n"},
    {"absolute-form without a path", NULL, NULL, "GET http://x.example HTTP/1.1\r\n" HOST "\r\n",
     "GET / HTTP/1.1\r\n" HOSTED "\r\n"},
    {"absolute-form, only a query", NULL, NULL, "GET http://x.example?b HTTP/1.1\r\n" HOST "\r\n",
     "GET /?b HTTP/1.1\r\n" HOSTED "\r\n"},
    {"asterisk-form (3.2.4)", NULL, NULL, "OPTIONS * HTTP/1.1\r\n" HOST "\r\n",
     "OPTIONS * HTTP/1.1\r\n" HOSTED "\r\n"},
    {"OPTIONS of a bare authority (3.2.4)", NULL, NULL,
     "OPTIONS http://x.example HTTP/1.1\r\n" HOST "\r\n", "OPTIONS * HTTP/1.1\r\n" HOSTED "\r\n"},
    {"base path", "http://target.example/base/", NULL, GET_1_1 HOST "\r\n",
     "GET /base/a HTTP/1.1\r\n" HOSTED "\r\n"},
    {"base path and the root", "http://target.example/b/c", NULL, "GET / HTTP/1.1\r\n" HOST "\r\n",
     "GET /b/c/ HTTP/1.1\r\n" HOSTED "\r\n"},
    {"base path and two slashes", "http://target.example/base", NULL,
     "GET //a HTTP/1.1\r\n" HOST "\r\n", "GET /base//a HTTP/1.1\r\n" HOSTED "\r\n"},
    {"base path and absolute-form", "http://target.example/base", NULL,
     "GET http://x.example/a HTTP/1.1\r\n" HOST "\r\n", "GET /base/a HTTP/1.1\r\n" HOSTED "\r\n"},
    {"base path and no path", "http://target.example/base", NULL,
     "GET http://x.example HTTP/1.1\r\n" HOST "\r\n", "GET /base/ HTTP/1.1\r\n" HOSTED "\r\n"},
    {"base path and only a query", "http://target.example/base", NULL,
     "GET http://x.example?b HTTP/1.1\r\n" HOST "\r\n", "GET /base/?b HTTP/1.1\r\n" HOSTED "\r\n"},
    {"base path and asterisk-form", "http://target.example/base", NULL,
     "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", "OPTIONS * HTTP/1.1\r\n" HOSTED "\r\n"},

    {"hop-by-hop fields go (0:7.6.1)", NULL, NULL,
     GET_1_1 HOST "Connection: keep-alive\r\nKeep-Alive: timeout=5\r\nProxy-Connection: close\r\n"
                  "Proxy-Authorization: Basic a\r\nTE: gzip\r\nUpgrade: websocket\r\nA: b\r\n\r\n",
     GET_1_1 HOSTED "A: b\r\n\r\n"},
    {"in any case, and each copy", NULL, NULL,
     GET_1_1 "CONNECTION: close\r\nconnection: x\r\n" HOST
             "KEEP-alive: a\r\nproxy-connection: b\r\n"
             "PROXY-AUTHORIZATION: c\r\nproxy-authorization: d\r\n\r\n",
     GET_1_1 HOSTED "\r\n"},
    {"nominated fields go (0:7.6.1)", NULL, NULL,
     GET_1_1 HOST "Connection: X-A, x-b\r\nConnection: Cookie,authorization\r\nX-A: 1\r\nX-B: 2\r\n"
                  "x-a: 3\r\nX-C: 4\r\nCookie: d\r\nAuthorization: e\r\nX-A-B: 5\r\n\r\n",
     GET_1_1 HOSTED "X-C: 4\r\nX-A-B: 5\r\n\r\n"},
    {"nominated before it stands there", NULL, NULL,
     GET_1_1 "X-A: 1\r\n" HOST "Connection: close, X-A\r\n\r\n", GET_1_1 HOSTED "\r\n"},
    {"so does a field called Close", NULL, NULL,
     GET_1_1 HOST "Connection: close\r\nClose: a\r\nClosed: b\r\n\r\n",
     GET_1_1 HOSTED "Closed: b\r\n\r\n"},
    {"nominated Trailer goes", NULL, NULL, GET_1_1 HOST "Connection: Trailer\r\nTrailer: a\r\n\r\n",
     GET_1_1 HOSTED "\r\n"},
    {"nominated Host stays right", NULL, NULL, GET_1_1 HOST "Connection: Host\r\n\r\n",
     GET_1_1 HOSTED "\r\n"},
    {"nominated Content-Length stays right", NULL, NULL,
     GET_1_1 HOST "Connection: Content-Length\r\nContent-Length: 5\r\n\r\n",
     GET_1_1 HOSTED "Content-Length: 5\r\n\r\n"},
    {"nominated Transfer-Encoding stays right", NULL, NULL,
     GET_1_1 HOST "Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n\r\n",
     GET_1_1 HOSTED "Transfer-Encoding: chunked\r\n\r\n"},
    {"TE: trailers stays (0:10.1.4)", NULL, NULL, GET_1_1 HOST "TE: trailers\r\n\r\n",
     GET_1_1 HOSTED "TE: trailers\r\nConnection: TE\r\n\r\n"},
    {"TE: trailers among codings", NULL, NULL,
     GET_1_1 HOST "te: gzip, Trailers\r\nConnection: te\r\nA: b\r\n\r\n",
     GET_1_1 HOSTED "A: b\r\nTE: trailers\r\nConnection: TE\r\n\r\n"},

    {"length as it came (6.3)", NULL, NULL,
     "POST /a HTTP/1.1\r\n" HOST "content-length:  007 \r\n\r\n",
     "POST /a HTTP/1.1\r\n" HOSTED "content-length: 007\r\n\r\n"},
    {"identical lengths become one (6.3)", NULL, NULL,
     GET_1_1 HOST "Content-Length: 5\r\nA: b\r\nCONTENT-LENGTH:5\r\n\r\n",
     GET_1_1 HOSTED "Content-Length: 5\r\nA: b\r\n\r\n"},
    {"length from 1.0", NULL, NULL, GET_1_0 "Content-Length: 5\r\n\r\n",
     GET_1_1 HOSTED "Content-Length: 5\r\n\r\n"},
    {"chunked in one form", NULL, NULL,
     GET_1_1 HOST "transfer-encoding:\tCHUNKED \r\nTrailer: A\r\n\r\n",
     GET_1_1 HOSTED "transfer-encoding: chunked\r\nTrailer: A\r\n\r\n"},

    {"expectation (0:10.1.1)", NULL, NULL, GET_1_1 HOST "Expect: 100-Continue\r\n\r\n",
     GET_1_1 HOSTED "Expect: 100-Continue\r\n\r\n"},
    {"expectation from 1.0 goes (0:10.1.1)", NULL, NULL,
     GET_1_0 HOST "Expect: 100-continue\r\n\r\n", GET_1_1 HOSTED "\r\n"},
    {"upgrade (0:7.8)", NULL, NULL,
     GET_1_1 HOST "Connection: keep-alive, Upgrade\r\nUpgrade:  WebSocket\r\n\r\n",
     GET_1_1 HOSTED "Upgrade: WebSocket\r\nConnection: Upgrade\r\n\r\n"},
    {"upgrade and trailers", NULL, NULL,
     GET_1_1 HOST "Connection: Upgrade, TE\r\nTE: trailers\r\nUpgrade: a\r\nUpgrade: b\r\n\r\n",
     GET_1_1 HOSTED "Upgrade: a\r\nUpgrade: b\r\nTE: trailers\r\nConnection: TE, Upgrade\r\n\r\n"},
    {"upgrade that Connection does not name goes", NULL, NULL,
     GET_1_1 HOST "Upgrade: websocket\r\n\r\n", GET_1_1 HOSTED "\r\n"},
    {"upgrade from 1.0 goes (0:7.8)", NULL, NULL,
     GET_1_0 HOST "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n", GET_1_1 HOSTED "\r\n"},
    {"offers of HTTP and TLS go", NULL, NULL,
     GET_1_1 HOST "Connection: upgrade\r\nupgrade: h2c,WebSocket , TLS/1.0,HTTP/2.0, foo/1\r\n\r\n",
     GET_1_1 HOSTED "upgrade: WebSocket, foo/1\r\nConnection: Upgrade\r\n\r\n"},
    {"a field of such offers alone is left out (0:7.8)", NULL, NULL,
     GET_1_1 HOST "Connection: upgrade\r\nUpgrade: h2c, TLS/1.0\r\nUpgrade: a\r\n\r\n",
     GET_1_1 HOSTED "Upgrade: a\r\nConnection: Upgrade\r\n\r\n"},
    {"h2c goes, and its settings", NULL, NULL,
     GET_1_1 HOST
     "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: a\r\n\r\n",
     GET_1_1 HOSTED "\r\n"},

    {"Max-Forwards is counted down (0:7.6.2)", NULL, NULL,
     "OPTIONS /a HTTP/1.1\r\n" HOST "max-forwards:  010\r\n\r\n",
     "OPTIONS /a HTTP/1.1\r\n" HOSTED "max-forwards: 9\r\n\r\n"},
    {"Max-Forwards of one", NULL, NULL, "OPTIONS * HTTP/1.1\r\n" HOST "Max-Forwards: 1\r\n\r\n",
     "OPTIONS * HTTP/1.1\r\n" HOSTED "Max-Forwards: 0\r\n\r\n"},
    {"Max-Forwards of other methods stays (0:7.6.2)", NULL, NULL,
     GET_1_1 HOST "Max-Forwards:  5\r\n\r\n", GET_1_1 HOSTED "Max-Forwards:  5\r\n\r\n"},
    {"Max-Forwards that is no number stays", NULL, NULL,
     "OPTIONS /a HTTP/1.1\r\n" HOST "Max-Forwards: many\r\n\r\n",
     "OPTIONS /a HTTP/1.1\r\n" HOSTED "Max-Forwards: many\r\n\r\n"},
    {"nominated Max-Forwards goes (0:7.6.1)", NULL, NULL,
     "OPTIONS /a HTTP/1.1\r\n" HOST "Connection: Max-Forwards\r\nMax-Forwards: 5\r\n\r\n",
     "OPTIONS /a HTTP/1.1\r\n" HOSTED "\r\n"},
};

static const struct request_row injection_rows[] = {
    {"injected at the end, in order", NULL, "[request-headers]\nX-B = 1\nX-A = 2 3\n",
     GET_1_1 HOST "A: b\r\n\r\n", GET_1_1 HOSTED "A: b\r\nX-B: 1\r\nX-A: 2 3\r\n\r\n"},
    {"injected over the client's own", NULL, INJECT,
     GET_1_1 "x-key: mine\r\n" HOST "X-KEY: mine\r\nA: b\r\n\r\n",
     GET_1_1 HOSTED "A: b\r\nX-Key: k\r\n\r\n"},
    {"injected over all that CGI reads alike", NULL, INJECT,
     GET_1_1 HOST "X_Key: mine\r\nx_KEY:\r\nX.Key: mine\r\n\r\n",
     GET_1_1 HOSTED "X-Key: k\r\n\r\n"},
    {"with an underscore, over both", NULL, "[request-headers]\nX_A-B = k\n",
     GET_1_1 HOST "X-A-B: 1\r\nX_A_B: 2\r\nX-A_B: 3\r\nX~A.B: 4\r\nX-A: 5\r\n\r\n",
     GET_1_1 HOSTED "X-A: 5\r\nX_A-B: k\r\n\r\n"},
    {"names that only begin alike stay", NULL, INJECT,
     GET_1_1 HOST "X-Keys: 1\r\nX-Ke: 2\r\nX: 3\r\n\r\n",
     GET_1_1 HOSTED "X-Keys: 1\r\nX-Ke: 2\r\nX: 3\r\nX-Key: k\r\n\r\n"},
    {"removed by an empty value", NULL, INJECT,
     GET_1_1 HOST "X-Gone: 1\r\nx_gone: 2\r\nX-Gone:\r\n\r\n", GET_1_1 HOSTED "X-Key: k\r\n\r\n"},
    {"injected although nominated (0:7.6.1)", NULL, INJECT,
     GET_1_1 HOST "Connection: X-Key, X-Gone\r\nX-Key: mine\r\n\r\n",
     GET_1_1 HOSTED "X-Key: k\r\n\r\n"},
    {"injected Authorization", NULL, "[request-headers]\nAuthorization = Bearer t\n",
     GET_1_1 HOST "Connection: Authorization\r\nauthorization: mine\r\n\r\n",
     GET_1_1 HOSTED "Authorization: Bearer t\r\n\r\n"},
    {"injected Proxy-Authorization, never the client's", NULL,
     "[request-headers]\nProxy-Authorization = Basic t\n",
     GET_1_1 HOST "Proxy-Authorization: Basic mine\r\n\r\n",
     GET_1_1 HOSTED "Proxy-Authorization: Basic t\r\n\r\n"},
    {"variables", NULL, "[request-headers]\nX-Id = <${request_id}>\nX-From = ${client_ip}$$\n",
     GET_1_1 HOST "X-Id: mine\r\n\r\n", GET_1_1 HOSTED "X-Id: <id>\r\nX-From: ip$\r\n\r\n"},
    {"behind trailers and upgrade", NULL, INJECT,
     GET_1_1 HOST "Connection: upgrade\r\nUpgrade: a\r\nTE: trailers\r\n\r\n",
     GET_1_1 HOSTED "Upgrade: a\r\nTE: trailers\r\nConnection: TE, Upgrade\r\nX-Key: k\r\n\r\n"},
    {"response fields are not for requests", NULL, "[response-headers]\nA = c\n",
     GET_1_1 HOST "A: b\r\n\r\n", GET_1_1 HOSTED "A: b\r\n\r\n"},
};

static void check_request(const void *at)
{
    const struct request_row *row = at;
    const struct config *config = config_for(row->target, row->settings);
    struct http_request request = request_of(row->request);
    size_t len = strlen(row->expected);

    struct buffer *out = new_buffer(len);
    check(rewrite_request(&request, config->routes, &context, out), "no room for %zu octets", len);
    check_octets("head", buffer_content(out), slice_of(row->expected));
    out = new_buffer(4096);
    rewrite_request(&request, config->routes, &context, out);
    check_octets("head in a large buffer", buffer_content(out), slice_of(row->expected));
    for (size_t cap = 1; cap < len; cap += 7)
        check(!rewrite_request(&request, config->routes, &context, new_buffer(cap)),
              "room for %zu octets in %zu", len, cap);
    check(!rewrite_request(&request, config->routes, &context, new_buffer(len - 1)),
          "one octet short");
}

/* ---- trailers (0:6.5.1) ---- */

static const struct trailer_row {
    const char *name, *settings, *connection;
    const char *lines, *expected;
} trailer_rows[] = {
    {"as they came", NULL, "", "A:  b \r\nc:d\r\nA: e\r\n", "A:  b \r\nc:d\r\nA: e\r\n"},
    {"none", NULL, "", "", ""},
    {"no framing", NULL, "", "Content-Length: 5\r\ntransfer-encoding: chunked\r\nA: b\r\n",
     "A: b\r\n"},
    {"none that resembles framing", NULL, "",
     "Content_Length: 5\r\nTRANSFER.ENCODING: chunked\r\nA: b\r\n", "A: b\r\n"},
    {"no routing", NULL, "", "Host: a\r\nMax-Forwards: 5\r\nA: b\r\n", "A: b\r\n"},
    {"no connection fields", NULL, "",
     "Connection: A\r\nKeep-Alive: x\r\nProxy-Connection: x\r\nTE: x\r\nUpgrade: x\r\n"
     "Trailer: x\r\nA: b\r\n",
     "A: b\r\n"},
    {"no expectation", NULL, "", "Expect: 100-continue\r\nA: b\r\n", "A: b\r\n"},
    {"no credentials for us", NULL, "", "Proxy-Authorization: x\r\nA: b\r\n", "A: b\r\n"},
    {"none that is injected", INJECT, "", "X-Key: mine\r\nx_key: mine\r\nA: b\r\n", "A: b\r\n"},
    {"none that is removed", INJECT, "", "x-gone: mine\r\nX_Gone: mine\r\nA: b\r\n", "A: b\r\n"},
    {"none that the head's Connection names", NULL, "Connection: X-A\r\n",
     "X-A: 1\r\nx-a: 2\r\nX-B: 3\r\n", "X-B: 3\r\n"},
    {"nominated and injected", INJECT, "Connection: X-Key\r\n", "X-Key: mine\r\n", ""},
};

static void check_trailers(const void *at)
{
    const struct trailer_row *row = at;
    const struct config *config = config_for(NULL, row->settings);
    struct http_request request =
        request_of(text_of(GET_1_1 HOST "%sTransfer-Encoding: chunked\r\n\r\n", row->connection));
    struct slice lines = guarded(slice_of(row->lines));
    size_t len = strlen(row->expected);

    struct buffer *out = new_buffer(len + 1);
    check(rewrite_trailers(lines, &request, config->routes, &context, out), "no room");
    check_octets("trailers", buffer_content(out), slice_of(row->expected));
    if (len > 0)
        check(!rewrite_trailers(lines, &request, config->routes, &context, new_buffer(len - 1)),
              "one octet short");
}

/* ---- responses ---- */

#define OK       "HTTP/1.1 200 OK\r\n"
#define DATE     "Date: Tue, 15 Nov 1994 08:12:31 GMT\r\n"
#define NOW      "Date: NOW\r\n"
#define CHUNKED  "Transfer-Encoding: chunked\r\n"
#define FROM_1_0 "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
#define WITH_TE  "GET / HTTP/1.1\r\n" HOST "TE: trailers\r\n\r\n"
#define UPGRADE  "GET / HTTP/1.1\r\n" HOST "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n"
#define OF_HEAD  "HEAD / HTTP/1.1\r\n" HOST "\r\n"
#define SET      "[response-headers]\nX-Key = k\nX-Gone =\n"

static const struct response_row {
    const char *name, *settings, *request; /* NULL: none, a GET of 1.1 */
    enum rewrite_persistence persistence;
    const char *response, *expected;
} response_rows[] = {
    {"unchanged (0:5.3)", NULL, NULL, REWRITE_KEEP,
     OK DATE "server:x\r\nSet-Cookie: a\r\nB:  \xE4 \r\nSet-Cookie: b\r\nContent-Length: 5\r\n\r\n",
     OK DATE
     "server:x\r\nSet-Cookie: a\r\nB:  \xE4 \r\nSet-Cookie: b\r\nContent-Length: 5\r\n\r\n"},
    {"no Date: one is added (0:6.6.1)", NULL, NULL, REWRITE_KEEP,
     OK "Content-Length: 5\r\nA: b\r\n\r\n", OK "Content-Length: 5\r\nA: b\r\n" NOW "\r\n"},
    {"any Date stays", NULL, NULL, REWRITE_KEEP, OK "date: today\r\n\r\n",
     OK "date: today\r\n\r\n"},
    {"status and reason", NULL, NULL, REWRITE_KEEP, "HTTP/1.1 799  Not \t A  \xE4 \r\n" DATE "\r\n",
     "HTTP/1.1 799  Not \t A  \xE4 \r\n" DATE "\r\n"},
    {"no reason", NULL, NULL, REWRITE_KEEP, "HTTP/1.1 404 \r\n" DATE "\r\n",
     "HTTP/1.1 404 \r\n" DATE "\r\n"},
    {"no reason and no space (4)", NULL, NULL, REWRITE_KEEP, "HTTP/1.1 404\r\n" DATE "\r\n",
     "HTTP/1.1 404 \r\n" DATE "\r\n"},
    {"1.0 goes as 1.1 (2.3)", NULL, NULL, REWRITE_CLOSE, "HTTP/1.0 200 OK\r\n" DATE "\r\n",
     OK DATE "Connection: close\r\n\r\n"},
    {"1.2 goes as 1.1 (2.3)", NULL, NULL, REWRITE_KEEP, "HTTP/1.2 200 OK\r\n" DATE "\r\n",
     OK DATE "\r\n"},

    {"hop-by-hop fields go (0:7.6.1)", NULL, NULL, REWRITE_KEEP,
     OK DATE "Connection: keep-alive\r\nKEEP-ALIVE: timeout=5\r\nproxy-connection: x\r\n"
             "Upgrade: h2c\r\nA: b\r\n\r\n",
     OK DATE "A: b\r\n\r\n"},
    {"nominated fields go (0:7.6.1)", NULL, NULL, REWRITE_KEEP,
     OK DATE "X-A: 1\r\nConnection: x-a, Set-Cookie\r\nSet-Cookie: c\r\nX-B: 2\r\n\r\n",
     OK DATE "X-B: 2\r\n\r\n"},
    {"nominated length stays right", NULL, NULL, REWRITE_KEEP,
     OK DATE "Connection: Content-Length\r\nContent-Length: 5\r\n\r\n",
     OK DATE "Content-Length: 5\r\n\r\n"},
    {"nominated chunked stays right", NULL, NULL, REWRITE_KEEP,
     OK DATE "Connection: Transfer-Encoding\r\n" CHUNKED "\r\n", OK DATE CHUNKED "\r\n"},
    {"close is ours to say (9.6)", NULL, NULL, REWRITE_KEEP, OK DATE "Connection: close\r\n\r\n",
     OK DATE "\r\n"},
    {"close (9.6)", NULL, NULL, REWRITE_CLOSE, OK DATE "Connection: keep-alive\r\n\r\n",
     OK DATE "Connection: close\r\n\r\n"},
    {"1.0 stays (9.3)", NULL, FROM_1_0, REWRITE_KEEP, OK DATE "Content-Length: 5\r\n\r\n",
     OK DATE "Content-Length: 5\r\nConnection: keep-alive\r\n\r\n"},
    {"1.0 is closed", NULL, FROM_1_0, REWRITE_CLOSE, OK DATE "\r\n",
     OK DATE "Connection: close\r\n\r\n"},

    {"identical lengths become one (6.3)", NULL, NULL, REWRITE_KEEP,
     OK DATE "Content-Length: 5\r\nA: b\r\ncontent-length:5\r\n\r\n",
     OK DATE "Content-Length: 5\r\nA: b\r\n\r\n"},
    {"chunked stays for 1.1 (7.1)", NULL, WITH_TE, REWRITE_KEEP,
     OK DATE "transfer-encoding:Chunked\r\nTrailer: A\r\n\r\n",
     OK DATE "transfer-encoding:Chunked\r\nTrailer: A\r\n\r\n"},
    {"chunked goes for 1.0 (6.1)", NULL, FROM_1_0, REWRITE_CLOSE, OK DATE CHUNKED "A: b\r\n\r\n",
     OK DATE "A: b\r\nConnection: close\r\n\r\n"},
    {"HEAD from 1.0 (6.1)", NULL, "HEAD / HTTP/1.0\r\n\r\n", REWRITE_CLOSE, OK DATE CHUNKED "\r\n",
     OK DATE "Connection: close\r\n\r\n"},
    {"HEAD keeps its length (0:9.3.2)", NULL, OF_HEAD, REWRITE_KEEP,
     OK DATE "Content-Length: 5\r\n\r\n", OK DATE "Content-Length: 5\r\n\r\n"},
    {"HEAD keeps its coding (6.1)", NULL, OF_HEAD, REWRITE_KEEP, OK DATE CHUNKED "\r\n",
     OK DATE CHUNKED "\r\n"},
    {"304 keeps its length (0:15.4.5)", NULL, NULL, REWRITE_KEEP,
     "HTTP/1.1 304 Not Modified\r\n" DATE "Content-Length: 5\r\n\r\n",
     "HTTP/1.1 304 Not Modified\r\n" DATE "Content-Length: 5\r\n\r\n"},
    {"204 has no length (0:8.6)", NULL, NULL, REWRITE_KEEP,
     "HTTP/1.1 204 No Content\r\n" DATE "Content-Length: 0\r\nA: b\r\n\r\n",
     "HTTP/1.1 204 No Content\r\n" DATE "A: b\r\n\r\n"},
    {"204 has no coding (6.1)", NULL, NULL, REWRITE_KEEP,
     "HTTP/1.1 204 No Content\r\n" DATE CHUNKED "\r\n", "HTTP/1.1 204 No Content\r\n" DATE "\r\n"},

    {"interim (0:15.2)", SET, NULL, REWRITE_KEEP, "HTTP/1.1 100 Continue\r\n\r\n",
     "HTTP/1.1 100 Continue\r\n\r\n"},
    {"interim with fields", SET, NULL, REWRITE_CLOSE,
     "HTTP/1.1 103 Early Hints\r\nLink: a\r\nX-Key: b\r\nX-Gone: c\r\nConnection: X-A\r\nX-A: d\r\n"
     "Keep-Alive: e\r\n\r\n",
     "HTTP/1.1 103 Early Hints\r\nLink: a\r\nX-Key: b\r\nX-Gone: c\r\n\r\n"},
    {"interim has no length (0:8.6)", NULL, NULL, REWRITE_KEEP,
     "HTTP/1.1 102 x\r\nContent-Length: 5\r\n\r\n", "HTTP/1.1 102 x\r\n\r\n"},
    {"interim has no coding (6.1)", NULL, NULL, REWRITE_KEEP, "HTTP/1.1 102 x\r\n" CHUNKED "\r\n",
     "HTTP/1.1 102 x\r\n\r\n"},
    {"101 (0:7.8)", NULL, UPGRADE, REWRITE_KEEP,
     "HTTP/1.1 101 Switching\r\nconnection: UPGRADE\r\nupgrade: WebSocket\r\n"
     "Sec-WebSocket-Accept: a\r\n\r\n",
     "HTTP/1.1 101 Switching\r\nupgrade: WebSocket\r\nSec-WebSocket-Accept: a\r\n"
     "Connection: Upgrade\r\n\r\n"},
    {"101 has no framing (0:8.6)", NULL, UPGRADE, REWRITE_KEEP,
     "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nContent-Length: 0\r\n" CHUNKED "\r\n",
     "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"},
    {"426 keeps Upgrade (0:15.5.22)", NULL, NULL, REWRITE_KEEP,
     "HTTP/1.1 426 x\r\n" DATE "Upgrade: a/2\r\nConnection: Upgrade\r\nContent-Length: 0\r\n\r\n",
     "HTTP/1.1 426 x\r\n" DATE "Upgrade: a/2\r\nContent-Length: 0\r\nConnection: Upgrade\r\n\r\n"},
    {"426 and close", NULL, NULL, REWRITE_CLOSE,
     "HTTP/1.1 426 x\r\n" DATE "Upgrade: a/2\r\nContent-Length: 0\r\n\r\n",
     "HTTP/1.1 426 x\r\n" DATE "Upgrade: a/2\r\nContent-Length: 0\r\n"
     "Connection: close, Upgrade\r\n\r\n"},
    {"426 to 1.0 that stays (9.3)", NULL, FROM_1_0, REWRITE_KEEP,
     "HTTP/1.1 426 x\r\n" DATE "Upgrade: a/2\r\nContent-Length: 0\r\n\r\n",
     "HTTP/1.1 426 x\r\n" DATE "Upgrade: a/2\r\nContent-Length: 0\r\n"
     "Connection: keep-alive, Upgrade\r\n\r\n"},

    {"injected at the end", SET, NULL, REWRITE_CLOSE, OK "A: b\r\n\r\n",
     OK "A: b\r\n" NOW "Connection: close\r\nX-Key: k\r\n\r\n"},
    {"injected over the target's own", SET, NULL, REWRITE_KEEP,
     OK DATE "x-key: its\r\nX_Key: its\r\nX-Gone: its\r\nx_gone: its\r\nA: b\r\n\r\n",
     OK DATE "A: b\r\nX-Key: k\r\n\r\n"},
    {"injected although nominated", SET, NULL, REWRITE_KEEP, OK DATE "Connection: X-Key\r\n\r\n",
     OK DATE "X-Key: k\r\n\r\n"},
    {"injected into an error", SET, NULL, REWRITE_KEEP, "HTTP/1.1 500 x\r\n" DATE "\r\n",
     "HTTP/1.1 500 x\r\n" DATE "X-Key: k\r\n\r\n"},
    {"variables", "[response-headers]\nX-Id = ${request_id}\n", NULL, REWRITE_KEEP, OK DATE "\r\n",
     OK DATE "X-Id: id\r\n\r\n"},
    {"Date as configured", "[response-headers]\nDate = d\n", NULL, REWRITE_KEEP, OK "A: b\r\n\r\n",
     OK "A: b\r\nDate: d\r\n\r\n"},
    {"Date over the target's", "[response-headers]\nDate = d\n", NULL, REWRITE_KEEP, OK DATE "\r\n",
     OK "Date: d\r\n\r\n"},
    {"Date removed", "[response-headers]\nDate =\n", NULL, REWRITE_KEEP, OK DATE "\r\n", OK "\r\n"},
    {"Date removed where there was none", "[response-headers]\nDate =\n", NULL, REWRITE_KEEP,
     OK "\r\n", OK "\r\n"},
    {"request fields are not for responses", INJECT, NULL, REWRITE_KEEP,
     OK DATE "X-Gone: its\r\n\r\n", OK DATE "X-Gone: its\r\n\r\n"},
};

static void check_response(const void *at)
{
    const struct response_row *row = at;
    const struct config *config = config_for(NULL, row->settings);
    struct http_request request =
        request_of(row->request != NULL ? row->request : "GET / HTTP/1.1\r\n" HOST "\r\n");
    struct http_head head = head_of(HTTP_RESPONSE, slice_of(row->response));
    struct http_response response;
    struct http_fault fault;
    struct buffer *out = new_buffer(4096);

    assert_true(http_response_read(&head, &request, &response, &fault));
    check(rewrite_response(&response, &request, config->routes, &context, row->persistence, out),
          "no room");
    check_text("head", mask_date(buffer_content(out)), row->expected);
    size_t len = buffer_length(out);
    for (size_t cap = 1; cap < len; cap += cap + 7 < len ? 7 : 1)
        check(!rewrite_response(&response, &request, config->routes, &context, row->persistence,
                                new_buffer(cap)),
              "room for %zu octets in %zu", len, cap);
}

/* The room that the relay keeps beside a head and the injected fields is enough. */
static void test_extra_bytes(void)
{
    const struct config *config = config_for(NULL, INJECT);
    const char *head = "GET http://x HTTP/1.0\r\nConnection: upgrade\r\nTE: trailers\r\n\r\n";
    struct http_request request = request_of(head);
    struct buffer *out = new_buffer(4096);

    check(rewrite_request(&request, config->routes, &context, out), "no room");
    check(buffer_length(out) <=
              strlen(head) + REWRITE_EXTRA_BYTES + config_fields_bytes_max(&config->request_fields),
          "%zu octets", buffer_length(out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROWS(request_rows, check_request),
        ROWS(injection_rows, check_request),
        ROWS(trailer_rows, check_trailers),
        ROWS(response_rows, check_response),
        TEST(test_extra_bytes),
    };

    return cmocka_run_group_tests_name("rewrite", tests, NULL, NULL);
}
