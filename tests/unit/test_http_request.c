/* Tests of http_request: what a request head means (RFC 9110, RFC 9112 3). */
#include <string.h>

#include "http_request.h"
#include "support.h"

/* Reads the head from where it ends with memory. The status of the refusal, 0 without. */
static unsigned read_status(struct slice head, struct http_request *request)
{
    struct http_fault fault = {0, NULL};

    if (read_request(guarded(head), request, &fault))
        return 0;
    check(fault.detail != NULL, "no detail");
    return fault.status;
}

/* ---- authorities ---- */

static const struct authority_row {
    const char *name;
    struct slice authority;
    bool valid;
} authority_rows[] = {
    {"name", OCTETS("a.example"), true},
    {"name and port", OCTETS("a.example:8080"), true},
    {"one letter", OCTETS("a"), true},
    {"capitals", OCTETS("A.EXAMPLE"), true},
    {"dot at the end", OCTETS("a.example."), true},
    {"unreserved and sub-delims (RFC 3986 3.2.2)", OCTETS("a-b_c~d!$&'()*+;=e"), true},
    {"percent-encoded (RFC 3986 2.1)", OCTETS("%41%c3%A4.example"), true},
    {"first and last letters", OCTETS("azAZ09"), true},
    {"all kinds of encoded octets", OCTETS("%09%90%af%fa%AF%FA"), true},
    {"IPv4", OCTETS("192.0.2.1:80"), true},
    {"IPv6", OCTETS("[2001:db8::1]"), true},
    {"IPv6 and port", OCTETS("[::1]:8080"), true},
    {"IPv6 with IPv4 in it", OCTETS("[::ffff:192.0.2.1]"), true},
    {"IPv6, longest form", OCTETS("[fedc:ba98:7654:3210:fedc:ba98:118.184.150.116]:65535"), true},
    {"empty port (RFC 3986 3.2.3)", OCTETS("a.example:"), true},
    {"IPv6 and empty port", OCTETS("[::1]:"), true},
    {"lowest port", OCTETS("a:0"), true},
    {"highest port", OCTETS("a:65535"), true},
    {"port with leading zeros", OCTETS("a:00080"), true},

    {"empty", OCTETS(""), false},
    {"no name", OCTETS(":80"), false},
    {"only a colon", OCTETS(":"), false},
    {"port over 65535", OCTETS("a:65536"), false},
    {"port far over", OCTETS("a:99999999999999999999"), false},
    {"port by name", OCTETS("a:http"), false},
    {"port with a sign", OCTETS("a:+80"), false},
    {"port with a space", OCTETS("a: 80"), false},
    {"two ports", OCTETS("a:80:80"), false},
    {"userinfo (0:4.2.4)", OCTETS("user@a"), false},
    {"userinfo and port", OCTETS("user:pass@a:80"), false},
    {"path", OCTETS("a/b"), false},
    {"query", OCTETS("a?b"), false},
    {"fragment", OCTETS("a#b"), false},
    {"scheme", OCTETS("http://a"), false},
    {"space", OCTETS("a b"), false},
    {"tab", OCTETS("a\tb"), false},
    {"comma reads as a list", OCTETS("a,b"), false},
    {"quotes", OCTETS("\"a\""), false},
    {"backslash", OCTETS("a\\b"), false},
    {"angle brackets", OCTETS("<a>"), false},
    {"braces", OCTETS("{a}"), false},
    {"obs-text", OCTETS("\xC3\xA4"), false},
    {"NUL", OCTETS("a\0b"), false},
    {"NUL at the end", OCTETS("a\0"), false},
    {"CR", OCTETS("a\r"), false},
    {"DEL", OCTETS("a\x7F"), false},
    {"percent and one digit", OCTETS("a%4"), false},
    {"percent alone", OCTETS("a%"), false},
    {"percent and no digits", OCTETS("%zz"), false},
    {"percent and one digit behind", OCTETS("%z4a"), false},
    {"percent and one digit before", OCTETS("%4za"), false},
    {"percent, digits in the port", OCTETS("%4:1"), false},
    {"IPv6 without brackets", OCTETS("::1"), false},
    {"IPv6 without brackets and port", OCTETS("2001:db8::1:80"), false},
    {"IPv6 that is not closed", OCTETS("[::1"), false},
    {"IPv6 that is not opened", OCTETS("::1]"), false},
    {"IPv6 with too many groups", OCTETS("[1:2:3:4:5:6:7:8:9]"), false},
    {"IPv6 with a letter", OCTETS("[::g]"), false},
    {"IPv6 with a zone", OCTETS("[fe80::1%25lo]"), false},
    {"IPv6 and more", OCTETS("[::1]a"), false},
    {"IPv6 and two ports", OCTETS("[::1]:80:80"), false},
    {"IPv6 and a high port", OCTETS("[::1]:65536"), false},
    {"IPv6 with NUL", OCTETS("[::1\0x]"), false},
    {"IPv4 in brackets", OCTETS("[192.0.2.1]"), false},
    {"empty brackets", OCTETS("[]"), false},
    {"open bracket", OCTETS("["), false},
    {"name in brackets", OCTETS("[a]"), false},
    {"46 octets in brackets", OCTETS("[0fedc:ba98:7654:3210:fedc:ba98:118.184.150.116]"), false},
    {"far too long in brackets",
     OCTETS("[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]"), false},
};

static void check_authority(const void *at)
{
    const struct authority_row *row = at;

    check_number("authority", http_is_authority(guarded(row->authority)), row->valid);
}

/* The same in Host (3.2) and in an absolute-form target (3.2.2). NUL, CR and DEL cannot come so
 * far, and white space at the end is none of the value's. */
static void check_authority_in_head(const void *at)
{
    const struct authority_row *row = at;
    int len = (int)row->authority.len;
    struct http_request request;

    for (int i = 0; i < len; i++)
        if (!((unsigned char)row->authority.at[i] >= 0x20 && row->authority.at[i] != 0x7F))
            return;
    const char *head = text_of("GET / HTTP/1.1\r\nHost: %.*s\r\n\r\n", len, row->authority.at);
    check_number("in Host", read_status(slice_of(head), &request), row->valid ? 0 : 400);
    if (row->valid)
        check_octets("Host", request.authority, row->authority);

    if (memchr(row->authority.at, ' ', row->authority.len) != NULL ||
        strpbrk(row->authority.at, "/?") != NULL)
        return;
    head = text_of("GET http://%.*s/ HTTP/1.1\r\nHost: h\r\n\r\n", len, row->authority.at);
    check_number("in a target", read_status(slice_of(head), &request), row->valid ? 0 : 400);
    if (row->valid)
        check_octets("target's authority", request.authority, row->authority);
}

/* ---- targets ---- */

static const struct target_row {
    const char *name, *method, *target;
    unsigned status;
    const char *origin; /* origin-form or * */
    bool rootless;
    const char *authority;
} target_rows[] = {
    {"origin-form (3.2.1)", "GET", "/", 0, "/", false, "h"},
    {"origin-form with a query", "GET", "/a?b=c&d", 0, "/a?b=c&d", false, "h"},
    {"dots are not removed", "GET", "/a/../b/./c", 0, "/a/../b/./c", false, "h"},
    {"slashes are not merged", "GET", "//a//b", 0, "//a//b", false, "h"},
    {"percent is not decoded", "GET", "/%2e%2E/%2F%00%zz%", 0, "/%2e%2E/%2F%00%zz%", false, "h"},
    {"octets that should be encoded", "GET", "/\"<>\\^`{|}'", 0, "/\"<>\\^`{|}'", false, "h"},
    {"a URL in the path", "GET", "/http://a/", 0, "/http://a/", false, "h"},
    {"question mark in the query", "GET", "/??", 0, "/??", false, "h"},
    {"absolute-form (3.2.2)", "GET", "http://a.example/b?c", 0, "/b?c", false, "a.example"},
    {"absolute-form with a port", "GET", "http://a.example:81/", 0, "/", false, "a.example:81"},
    {"absolute-form with https", "GET", "https://a.example/", 0, "/", false, "a.example"},
    {"absolute-form in capitals", "GET", "HTTPS://A.example/B", 0, "/B", false, "A.example"},
    {"absolute-form without a path", "GET", "http://a.example", 0, "", true, "a.example"},
    {"absolute-form, only a query", "GET", "http://a.example?b", 0, "?b", true, "a.example"},
    {"absolute-form with IPv6", "GET", "http://[::1]:81/b", 0, "/b", false, "[::1]:81"},
    {"absolute-form with an at sign in the path", "GET", "http://a/@b", 0, "/@b", false, "a"},
    {"absolute-form with an at sign in the query", "GET", "http://a?u@b", 0, "?u@b", true, "a"},
    {"asterisk-form (3.2.4)", "OPTIONS", "*", 0, "*", false, "h"},
    {"OPTIONS of a bare authority (3.2.4)", "OPTIONS", "http://a.example", 0, "*", false,
     "a.example"},
    {"OPTIONS of a root", "OPTIONS", "http://a.example/", 0, "/", false, "a.example"},
    {"OPTIONS of a query", "OPTIONS", "http://a.example?b", 0, "?b", true, "a.example"},
    {"OPTIONS of a path", "OPTIONS", "/a", 0, "/a", false, "h"},

    {"asterisk with GET (3.2.4)", "GET", "*", 400, NULL, false, NULL},
    {"asterisk with options in small letters", "options", "*", 400, NULL, false, NULL},
    {"asterisk and more", "OPTIONS", "*a", 400, NULL, false, NULL},
    {"authority-form (3.2.3)", "GET", "a.example:80", 400, NULL, false, NULL},
    {"no form", "GET", "index.html", 400, NULL, false, NULL},
    {"only a query", "GET", "?a", 400, NULL, false, NULL},
    {"empty target", "GET", "", 400, NULL, false, NULL},
    {"another scheme", "GET", "ftp://a.example/", 400, NULL, false, NULL},
    {"scheme with one slash", "GET", "http:/a.example/", 400, NULL, false, NULL},
    {"scheme without slashes", "GET", "http:a.example", 400, NULL, false, NULL},
    {"scheme alone", "GET", "http://", 400, NULL, false, NULL},
    {"absolute-form without a host (0:4.2.1)", "GET", "http:///a", 400, NULL, false, NULL},
    {"absolute-form without a host, but a query", "GET", "http://?a", 400, NULL, false, NULL},
    {"absolute-form without a host, but a port", "GET", "http://:80/", 400, NULL, false, NULL},
    {"absolute-form with userinfo (0:4.2.4)", "GET", "http://u@a/", 400, NULL, false, NULL},
    {"absolute-form with a list of hosts", "GET", "http://a,b/", 400, NULL, false, NULL},
    {"absolute-form with a backslash", "GET", "http://a\\b/", 400, NULL, false, NULL},
    {"fragment (3.2)", "GET", "/a#b", 400, NULL, false, NULL},
    {"fragment in absolute-form", "GET", "http://a/#b", 400, NULL, false, NULL},
    {"obs-text (3.2)", "GET", "/\xC3\xA4", 400, NULL, false, NULL},
    {"tab (3.2)", "GET", "/a\tb", 400, NULL, false, NULL},
};

static void check_target(const void *at)
{
    const struct target_row *row = at;
    const char *head = text_of("%s %s HTTP/1.1\r\nHost: h\r\n\r\n", row->method, row->target);
    struct http_request request;

    check_number("status", read_status(slice_of(head), &request), row->status);
    check_octets("raw target", request.raw_target, slice_of(row->target));
    check_octets("method", request.method, slice_of(row->method));
    if (row->status != 0)
        return;
    check_octets("target", request.target, slice_of(row->origin));
    check_number("rootless", request.rootless, row->rootless);
    check_octets("authority", request.authority, slice_of(row->authority));
}

/* ---- methods ---- */

static const struct method_row {
    const char *name; /* the method */
    unsigned status;
    bool is_head, is_safe;
} method_rows[] = {
    {"GET", 0, false, true},      {"HEAD", 0, true, true},      {"OPTIONS", 0, false, true},
    {"POST", 0, false, false},    {"PUT", 0, false, false},     {"DELETE", 0, false, false},
    {"PATCH", 0, false, false},   {"BREW", 0, false, false},    {"get", 0, false, false},
    {"head", 0, false, false},    {"GETS", 0, false, false},    {"CONNECT", 405, false, false},
    {"TRACE", 405, false, false}, {"connect", 0, false, false}, {"Trace", 0, false, false},
};

/* Methods are case-sensitive (0:9.1). */
static void check_method(const void *at)
{
    const struct method_row *row = at;
    const char *head = text_of("%s / HTTP/1.1\r\nHost: h\r\n\r\n", row->name);
    struct http_request request;

    check_number("status", read_status(slice_of(head), &request), row->status);
    check_number("HEAD", request.is_head, row->is_head);
    check_number("safe", request.is_safe, row->is_safe);
}

/* ---- Host, framing, expectations: what is refused ---- */

#define GET_1_0 "GET / HTTP/1.0\r\n"
#define GET_1_1 "GET / HTTP/1.1\r\n"
#define HOST    "Host: h\r\n"

static const struct refusal_row {
    const char *name;
    struct slice head;
    unsigned status;
} refusal_rows[] = {
    {"Host", OCTETS(GET_1_1 HOST "\r\n"), 0},
    {"Host in small letters, without a space", OCTETS(GET_1_1 "host:h\r\n\r\n"), 0},
    {"no Host (3.2)", OCTETS(GET_1_1 "\r\n"), 400},
    {"no Host in 1.2 (3.2)", OCTETS("GET / HTTP/1.2\r\n\r\n"), 400},
    {"no Host, but an absolute-form (3.2)", OCTETS("GET http://a/ HTTP/1.1\r\n\r\n"), 400},
    {"no Host in 1.0", OCTETS(GET_1_0 "\r\n"), 0},
    {"two Hosts (3.2)", OCTETS(GET_1_1 "Host: a\r\nHost: b\r\n\r\n"), 400},
    {"two equal Hosts (3.2)", OCTETS(GET_1_1 HOST HOST "\r\n"), 400},
    {"two Hosts in 1.0 (3.2)", OCTETS(GET_1_0 HOST HOST "\r\n"), 400},
    {"two Hosts beside an absolute-form", OCTETS("GET http://a/ HTTP/1.1\r\n" HOST HOST "\r\n"),
     400},
    {"bad Host beside an absolute-form", OCTETS("GET http://a/ HTTP/1.1\r\nHost: b c\r\n\r\n"),
     400},
    {"bad Host in 1.0", OCTETS(GET_1_0 "Host: b c\r\n\r\n"), 400},
    {"second Host is bad", OCTETS(GET_1_1 HOST "Host:\r\n\r\n"), 400},

    {"expectation (0:10.1.1)", OCTETS(GET_1_1 HOST "Expect: 100-continue\r\n\r\n"), 0},
    {"another expectation (0:10.1.1)", OCTETS(GET_1_1 HOST "Expect: 200-ok\r\n\r\n"), 417},
    {"expectation and more (0:10.1.1)", OCTETS(GET_1_1 HOST "Expect: 100-continue, x\r\n\r\n"),
     417},
    {"second expectation (0:10.1.1)",
     OCTETS(GET_1_1 HOST "Expect: 100-continue\r\nExpect: x\r\n\r\n"), 417},
    {"empty expectation (0:10.1.1)", OCTETS(GET_1_1 HOST "Expect:\r\n\r\n"), 417},
    {"another expectation in 1.0 is ignored", OCTETS(GET_1_0 "Expect: 200-ok\r\n\r\n"), 0},

    {"a name that CGI reads as Content-Length", OCTETS(GET_1_1 HOST "Content_Length: 5\r\n\r\n"),
     400},
    {"a name that CGI reads as Transfer-Encoding",
     OCTETS(GET_1_1 HOST "transfer.encoding: chunked\r\n\r\n"), 400},
    {"a name that only begins so", OCTETS(GET_1_1 HOST "Content_Length_: 5\r\n\r\n"), 0},
    {"two Max-Forwards (0:7.6.2)",
     OCTETS("OPTIONS / HTTP/1.1\r\n" HOST "Max-Forwards: 5\r\nMax-Forwards: 5\r\n\r\n"), 400},
    {"two Max-Forwards of another method",
     OCTETS(GET_1_1 HOST "Max-Forwards: 5\r\nMax-Forwards: 5\r\n\r\n"), 0},
    {"both framings (6.1)",
     OCTETS(GET_1_1 HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"), 400},
    {"chunked in 1.0 (6.1)", OCTETS(GET_1_0 "Transfer-Encoding: chunked\r\n\r\n"), 400},
    {"chunked in 1.2 (2.3)",
     OCTETS("POST / HTTP/1.2\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"), 0},
    {"another coding (6.1)", OCTETS(GET_1_1 HOST "Transfer-Encoding: gzip\r\n\r\n"), 501},
    {"differing lengths (6.3)",
     OCTETS(GET_1_1 HOST "Content-Length: 5\r\nContent-Length: 6\r\n\r\n"), 400},
    {"bad length (6.3)", OCTETS(GET_1_1 HOST "Content-Length: x\r\n\r\n"), 400},

    {"CONNECT (0:9.3.6)", OCTETS("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n"), 405},
    {"CONNECT in 1.0", OCTETS("CONNECT a:443 HTTP/1.0\r\n\r\n"), 405},
    {"TRACE (0:9.3.8)", OCTETS("TRACE / HTTP/1.1\r\n" HOST "\r\n"), 405},
    {"TRACE *", OCTETS("TRACE * HTTP/1.1\r\n" HOST "\r\n"), 405},
};

static void check_refusal(const void *at)
{
    const struct refusal_row *row = at;
    struct http_request request;

    check_number("status", read_status(row->head, &request), row->status);
}

/* ---- framing ---- */

static const struct framing_row {
    const char *name;
    struct slice fields;
    enum http_framing framing;
    unsigned long long length;
} framing_rows[] = {
    {"no content (6.3)", OCTETS(""), HTTP_FRAMING_NONE, 0},
    {"length", OCTETS("Content-Length: 5\r\n"), HTTP_FRAMING_LENGTH, 5},
    {"length of zero", OCTETS("Content-Length: 0\r\n"), HTTP_FRAMING_LENGTH, 0},
    {"identical copies (6.3)", OCTETS("Content-Length: 5\r\nContent-Length: 5\r\n"),
     HTTP_FRAMING_LENGTH, 5},
    {"the most", OCTETS("Content-Length: 9223372036854775807\r\n"), HTTP_FRAMING_LENGTH,
     HTTP_LENGTH_MAX},
    {"chunked", OCTETS("Transfer-Encoding: chunked\r\n"), HTTP_FRAMING_CHUNKED, 0},
    {"Connection names the framing (0:7.6.1)",
     OCTETS("Connection: content-length\r\nContent-Length: 5\r\n"), HTTP_FRAMING_LENGTH, 5},
};

static void check_framing(const void *at)
{
    static const char *const methods[] = {"GET", "HEAD", "POST", "OPTIONS", "DELETE"};
    const struct framing_row *row = at;
    struct http_request request;

    for (size_t i = 0; i < COUNT_OF(methods); i++) {
        const char *head = text_of("%s / HTTP/1.1\r\n" HOST "%.*s\r\n", methods[i],
                                   (int)row->fields.len, row->fields.at);
        check_number("status", read_status(slice_of(head), &request), 0);
        check_number("framing", request.framing, row->framing);
        check(request.length == row->length, "length %llu", request.length);
        check_number("content", request.has_content,
                     row->framing == HTTP_FRAMING_CHUNKED || row->length > 0);
    }
}

/* ---- Connection, Expect, TE, Upgrade ---- */

static const struct connection_row {
    const char *name;
    struct slice head;
    bool keep_alive, nominates, upgrades, accepts_trailers, expects_100;
} connection_rows[] = {
    {"1.1 persists (9.3)", OCTETS(GET_1_1 HOST "\r\n"), .keep_alive = true},
    {"1.2 persists", OCTETS("GET / HTTP/1.2\r\n" HOST "\r\n"), .keep_alive = true},
    {"1.1 and close (9.6)", OCTETS(GET_1_1 HOST "Connection: close\r\n\r\n"), .keep_alive = false},
    {"close in capitals", OCTETS(GET_1_1 HOST "Connection: CLOSE\r\n\r\n"), .keep_alive = false},
    {"close wins", OCTETS(GET_1_1 HOST "Connection: keep-alive, close\r\n\r\n"),
     .keep_alive = false},
    {"close in a second field",
     OCTETS(GET_1_1 HOST "Connection: keep-alive\r\nConnection: close\r\n\r\n"),
     .keep_alive = false},
    {"1.1 and keep-alive", OCTETS(GET_1_1 HOST "Connection: keep-alive\r\n\r\n"),
     .keep_alive = true},
    {"1.0 does not persist (9.3)", OCTETS(GET_1_0 "\r\n"), .keep_alive = false},
    {"1.0 and keep-alive (9.3)", OCTETS(GET_1_0 "Connection: Keep-Alive\r\n\r\n"),
     .keep_alive = true},
    {"1.0, keep-alive and close", OCTETS(GET_1_0 "Connection: keep-alive, close\r\n\r\n"),
     .keep_alive = false},
    {"Proxy-Connection says nothing", OCTETS(GET_1_0 "Proxy-Connection: keep-alive\r\n\r\n"),
     .keep_alive = false},
    {"part of an option", OCTETS(GET_1_1 HOST "Connection: closed\r\n\r\n"), .keep_alive = true,
     .nominates = true},
    {"empty elements (0:5.6.1)", OCTETS(GET_1_1 HOST "Connection: , ,\r\n\r\n"),
     .keep_alive = true},
    {"names a field (0:7.6.1)", OCTETS(GET_1_1 HOST "Connection: X-A\r\n\r\n"), .keep_alive = true,
     .nominates = true},
    {"names a field of one letter", OCTETS(GET_1_1 HOST "Connection: X\r\n\r\n"),
     .keep_alive = true, .nominates = true},
    {"names a field beside close", OCTETS(GET_1_1 HOST "Connection: close, X-A\r\n\r\n"),
     .nominates = true},
    {"options only", OCTETS(GET_1_1 HOST "Connection: TE, upgrade, keep-alive\r\n\r\n"),
     .keep_alive = true},

    {"trailers (0:10.1.4)", OCTETS(GET_1_1 HOST "TE: trailers\r\n\r\n"), .keep_alive = true,
     .accepts_trailers = true},
    {"trailers among codings", OCTETS(GET_1_1 HOST "TE: gzip;q=0.5, Trailers\r\n\r\n"),
     .keep_alive = true, .accepts_trailers = true},
    {"trailers in a second field", OCTETS(GET_1_1 HOST "TE: gzip\r\nTE: trailers\r\n\r\n"),
     .keep_alive = true, .accepts_trailers = true},
    {"codings alone", OCTETS(GET_1_1 HOST "TE: gzip, chunked\r\n\r\n"), .keep_alive = true},
    {"part of trailers", OCTETS(GET_1_1 HOST "TE: xtrailers, trailersx\r\n\r\n"),
     .keep_alive = true},
    {"empty TE", OCTETS(GET_1_1 HOST "TE:\r\n\r\n"), .keep_alive = true},

    {"upgrade (0:7.8)", OCTETS(GET_1_1 HOST "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n"),
     .keep_alive = true, .upgrades = true},
    {"upgrade in another order and case",
     OCTETS(GET_1_1 HOST "Upgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n\r\n"),
     .keep_alive = true, .upgrades = true},
    {"upgrade that Connection does not name (0:7.8)",
     OCTETS(GET_1_1 HOST "Upgrade: websocket\r\n\r\n"), .keep_alive = true},
    {"Connection without Upgrade", OCTETS(GET_1_1 HOST "Connection: upgrade\r\n\r\n"),
     .keep_alive = true},
    {"upgrade from 1.0 is ignored (0:7.8)",
     OCTETS(GET_1_0 "Connection: upgrade, keep-alive\r\nUpgrade: websocket\r\n\r\n"),
     .keep_alive = true},
    {"h2c is ignored", OCTETS(GET_1_1 HOST "Connection: upgrade\r\nUpgrade: h2c\r\n\r\n"),
     .keep_alive = true},
    {"h2c in capitals is ignored",
     OCTETS(GET_1_1 HOST "Connection: upgrade\r\nUpgrade: H2C, h2C\r\n\r\n"), .keep_alive = true},
    {"h2c with its settings is ignored",
     OCTETS(GET_1_1 HOST "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
                         "HTTP2-Settings: a\r\n\r\n"),
     .keep_alive = true, .nominates = true},
    {"TLS is ignored (RFC 2817)",
     OCTETS(GET_1_1 HOST "Connection: upgrade\r\nUpgrade: TLS/1.0\r\n\r\n"), .keep_alive = true},
    {"HTTP is ignored", OCTETS(GET_1_1 HOST "Connection: upgrade\r\nUpgrade: HTTP/2.0\r\n\r\n"),
     .keep_alive = true},
    {"h2c and another", OCTETS(GET_1_1 HOST "Connection: upgrade\r\nUpgrade: h2c, foo/2\r\n\r\n"),
     .keep_alive = true, .upgrades = true},
    {"empty Upgrade", OCTETS(GET_1_1 HOST "Connection: upgrade\r\nUpgrade: ,\r\n\r\n"),
     .keep_alive = true},

    {"expectation (0:10.1.1)", OCTETS(GET_1_1 HOST "Expect: 100-continue\r\n\r\n"),
     .keep_alive = true, .expects_100 = true},
    {"expectation in capitals", OCTETS(GET_1_1 HOST "expect: 100-CONTINUE\r\n\r\n"),
     .keep_alive = true, .expects_100 = true},
    {"expectation that Connection names (0:7.6.1)",
     OCTETS(GET_1_1 HOST "Connection: Expect\r\nExpect: 100-continue\r\n\r\n"), .keep_alive = true,
     .nominates = true},
    {"expectation from 1.0 is ignored (0:10.1.1)", OCTETS(GET_1_0 "Expect: 100-continue\r\n\r\n"),
     .keep_alive = false},
};

static void check_connection(const void *at)
{
    const struct connection_row *row = at;
    struct http_request request;

    check_number("status", read_status(row->head, &request), 0);
    check_number("keep-alive", request.keep_alive, row->keep_alive);
    check_number("nominates", request.nominations.count > 0, row->nominates);
    check_number("upgrades", request.upgrades, row->upgrades);
    check_number("accepts trailers", request.accepts_trailers, row->accepts_trailers);
    check_number("expects 100", request.expects_100, row->expects_100);
}

/* ---- the rest ---- */

static const struct forwards_row {
    const char *name, *method, *value;
    bool has;
    unsigned long long number;
} forwards_rows[] = {
    {"OPTIONS (0:7.6.2)", "OPTIONS", "5", true, 5},
    {"zero", "OPTIONS", "0", true, 0},
    {"many", "OPTIONS", "9223372036854775807", true, HTTP_LENGTH_MAX},
    {"leading zeros", "OPTIONS", "007", true, 7},
    {"too many", "OPTIONS", "9223372036854775808", false, 0},
    {"no number", "OPTIONS", "many", false, 0},
    {"negative", "OPTIONS", "-1", false, 0},
    {"empty", "OPTIONS", "", false, 0},
    {"another method (0:7.6.2)", "GET", "5", false, 0},
};

static void check_forwards(const void *at)
{
    const struct forwards_row *row = at;
    struct http_request request = request_of(
        text_of("%s / HTTP/1.1\r\n" HOST "Max-Forwards: %s\r\n\r\n", row->method, row->value));

    check_number("has", request.has_max_forwards, row->has);
    if (row->has)
        check(request.max_forwards == row->number, "number %llu", request.max_forwards);
}

static void test_nominated_max_forwards(void)
{
    struct http_request request = request_of("OPTIONS / HTTP/1.1\r\n" HOST
                                             "Connection: Max-Forwards\r\nMax-Forwards: 5\r\n\r\n");

    check(!request.has_max_forwards, "it is for this connection only (0:7.6.1)");
}

static void test_most_nominations(void)
{
    struct http_request request;
    const char *names = distinct_names(HTTP_NOMINATIONS_MAX);

    const char *head = text_of(GET_1_1 HOST "Connection: %s\r\n\r\n", names);
    check_number("64 names", read_status(slice_of(head), &request), 0);
    head = text_of(GET_1_1 HOST "Connection: b\r\nConnection: %s\r\n\r\n", names);
    check_number("65 names", read_status(slice_of(head), &request), 400);
}

static const struct offer_row {
    const char *name, *fields, *protocol;
    bool offered;
} offer_rows[] = {
    {"the only one (0:7.8)", "Upgrade: websocket\r\n", "websocket", true},
    {"in another case", "upgrade: WebSocket\r\n", "websocket", true},
    {"one of several", "Upgrade: a/1, b/2\r\n", "b/2", true},
    {"in a second field", "Upgrade: a/1\r\nX: y\r\nUpgrade: b/2\r\n", "b/2", true},
    {"another version", "Upgrade: a/1\r\n", "a/2", false},
    {"without a version", "Upgrade: a/1\r\n", "a", false},
    {"no offer", "X: websocket\r\n", "websocket", false},
    {"empty", "Upgrade: ,\r\n", "", false},
    {"h2c is never tunnelled", "Upgrade: h2c, websocket\r\n", "h2c", false},
    {"nor in capitals", "Upgrade: H2C\r\n", "H2C", false},
};

static void check_offer(const void *at)
{
    const struct offer_row *row = at;
    struct http_request request =
        request_of(text_of("GET / HTTP/1.1\r\n" HOST "Connection: upgrade\r\n%s\r\n", row->fields));

    check_number("offered", http_request_offers(&request, slice_of(row->protocol)), row->offered);
}

/* HTTP or TLS within a tunnel would go on without the injected fields. */
static const struct tunnelled_row {
    const char *name; /* the protocol */
    bool tunnelled;
} tunnelled_rows[] = {
    {"websocket", true}, {"foo/2", true},     {"h2", true},      {"https", true},
    {"TLSX", true},      {"TL", true},        {"", false},       {"h2c", false},
    {"H2C", false},      {"HTTP/2.0", false}, {"http/3", false}, {"HTTP/", false},
    {"TLS/1.0", false},  {"tls/1.3", false},
};

static void check_tunnelled(const void *at)
{
    const struct tunnelled_row *row = at;

    check_number("tunnelled", http_is_tunnelled(guarded(slice_of(row->name))), row->tunnelled);
}

static void test_version_and_host(void)
{
    check_number("1.0", request_of(GET_1_0 "\r\n").minor, 0);
    check_number("1.1", request_of(GET_1_1 HOST "\r\n").minor, 1);
    check_number("1.9 is served as 1.1", request_of("GET / HTTP/1.9\r\n" HOST "\r\n").minor, 1);
    check(request_of(GET_1_0 HOST "\r\n").has_host, "Host in 1.0");
    check(!request_of(GET_1_0 "\r\n").has_host, "no Host in 1.0");
    check_number("no authority", request_of(GET_1_0 "\r\n").authority.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROWS(authority_rows, check_authority),
        ROWS(authority_rows, check_authority_in_head),
        ROWS(target_rows, check_target),
        ROWS(method_rows, check_method),
        ROWS(refusal_rows, check_refusal),
        ROWS(framing_rows, check_framing),
        ROWS(connection_rows, check_connection),
        ROWS(forwards_rows, check_forwards),
        TEST(test_nominated_max_forwards),
        TEST(test_most_nominations),
        ROWS(offer_rows, check_offer),
        ROWS(tunnelled_rows, check_tunnelled),
        TEST(test_version_and_host),
    };

    return cmocka_run_group_tests_name("http_request", tests, NULL, NULL);
}
