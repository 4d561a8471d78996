/* Tests of target: the target's URL taken apart, and the outgoing proxy's URL. */
#include <stdlib.h>
#include <string.h>

#include "support.h"
#include "target.h"

#define PATH_25  "/aaaaaaaaaaaaaaaaaaaaaaaa"
#define PATH_107 PATH_25 PATH_25 PATH_25 PATH_25 "/aaaaaa"

static const struct target_row {
    const char *name, *text;
    bool is_https;
    const char *url, *authority, *host, *port, *base_path;
} target_rows[] = {
    {"http", "http://a.example", false, "http://a.example:80/", "a.example", "a.example", "80", ""},
    {"https", "https://a.example", true, "https://a.example:443/", "a.example", "a.example", "443",
     ""},
    {"scheme in capitals (RFC 3986 3.1)", "HTTPS://a.example", true, "https://a.example:443/",
     "a.example", "a.example", "443", ""},
    {"root", "http://a.example/", false, "http://a.example:80/", "a.example", "a.example", "80",
     ""},
    {"default port of http", "http://a.example:80", false, "http://a.example:80/", "a.example",
     "a.example", "80", ""},
    {"default port of https", "https://a.example:443/", true, "https://a.example:443/", "a.example",
     "a.example", "443", ""},
    {"the other's default port", "http://a.example:443", false, "http://a.example:443/",
     "a.example:443", "a.example", "443", ""},
    {"port", "https://a.example:8443", true, "https://a.example:8443/", "a.example:8443",
     "a.example", "8443", ""},
    {"empty port (RFC 3986 3.2.3)", "http://a.example:/", false, "http://a.example:80/",
     "a.example", "a.example", "80", ""},
    {"highest port", "http://a.example:65535", false, "http://a.example:65535/", "a.example:65535",
     "a.example", "65535", ""},
    {"IPv4", "http://192.0.2.1:8080", false, "http://192.0.2.1:8080/", "192.0.2.1:8080",
     "192.0.2.1", "8080", ""},
    {"IPv6", "http://[2001:db8::1]", false, "http://[2001:db8::1]:80/", "[2001:db8::1]",
     "2001:db8::1", "80", ""},
    {"IPv6 and port", "https://[::1]:8443/x", true, "https://[::1]:8443/", "[::1]:8443", "::1",
     "8443", "/x"},
    {"base path", "http://a.example/base", false, "http://a.example:80/", "a.example", "a.example",
     "80", "/base"},
    {"base path with a slash at its end", "http://a.example/a/b/", false, "http://a.example:80/",
     "a.example", "a.example", "80", "/a/b"},
    {"slashes alone", "http://a.example///", false, "http://a.example:80/", "a.example",
     "a.example", "80", ""},
    {"base path is not normalised", "http://a.example/a/../%2e//b", false, "http://a.example:80/",
     "a.example", "a.example", "80", "/a/../%2e//b"},
    {"base path with an at sign", "http://a.example/@b", false, "http://a.example:80/", "a.example",
     "a.example", "80", "/@b"},
};

static void check_target(const void *at)
{
    const struct target_row *row = at;
    char error[TARGET_ERROR_BYTES];
    struct target target;

    if (!check(target_parse(row->text, &target, error), "refused: %s", error))
        return;
    check_number("https", target.is_https, row->is_https);
    check_text("url", target.url, row->url);
    check_text("authority", target.authority, row->authority);
    check_text("host", target.host, row->host);
    check_text("port", target.port, row->port);
    check_text("base path", target.base_path, row->base_path);
    check_text("Unix path", target.unix_path, NULL);
    check_has("url", target.url, target.name);
    check_has("name", target.name, row->port);
    target_free(&target);
    target_free(&target); /* an empty one */
}

static void check_unix(const char *path)
{
    char error[TARGET_ERROR_BYTES];
    struct target target;

    assert_true(target_parse(text_of("unix:%s", path), &target, error));
    check_text("Unix path", target.unix_path, path);
    check_text("name", target.name, text_of("unix:%s", path));
    check_text("authority", target.authority, "localhost");
    check_text("host", target.host, "localhost");
    check_text("port", target.port, "80");
    check_text("base path", target.base_path, "");
    check(!target.is_https, "a Unix socket speaks plain HTTP");
    target_free(&target);
}

static void test_unix(void)
{
    check_unix("/run/a.sock");
    check_unix("/run/a b?c#d@e");
    check_unix(PATH_107);
}

static const struct refused_row {
    const char *name, *text;
    const char *hint;
} refused_rows[] = {
    {"empty", "", "http://"},
    {"no scheme", "a.example", "http://"},
    {"no scheme but a port", "a.example:80", "http://"},
    {"scheme without slashes", "http:a.example", "http://"},
    {"one slash (RFC 3986 3.2)", "http:/a.example", "http://"},
    {"three slashes: the host is empty (RFC 9110 4.2.1)", "http:///a.example", "http://"},
    {"only slashes", "//a.example", "http://"},
    {"no host", "http://", "http://"},
    {"another scheme", "ftp://a.example", "http://"},
    {"scheme of a proxy", "socks5://a.example", "http://"},
    {"a file", "file:///etc/passwd", "http://"},
    {"password", "http://user:s3cret@a.example", "Authorization"},
    {"user", "http://user@a.example", "Authorization"},
    {"empty user", "http://@a.example", "Authorization"},
    {"query", "http://a.example/?q", "path"},
    {"query without a path", "http://a.example?q", "path"},
    {"empty query", "http://a.example/?", "path"},
    {"fragment", "http://a.example/#f", "path"},
    {"empty fragment", "http://a.example/#", "path"},
    {"port over 65535", "http://a.example:65536", "http://"},
    {"port by name", "http://a.example:http", "http://"},
    {"two ports", "http://a.example:80:80", "http://"},
    {"open bracket", "http://[::1", "http://"},
    {"no IPv6 address in brackets", "http://[::g]", "http://"},
    {"a zone would be lost", "http://[fe80::1%25lo]/", "zone"},
    {"space", "http://a.example/a b", "ASCII"},
    {"tab", "http://a.example/a\tb", "ASCII"},
    {"line end", "http://a.example/\r\nX: y", "ASCII"},
    {"DEL", "http://a.example/\x7F", "ASCII"},
    {"letters beyond ASCII", "http://\xC3\xA4.example", "ASCII"},
    {"encoded space in the host", "http://a%20b.example", "http://"},
    {"encoded slash in the host", "http://a%2Fb.example", "http://"},
    {"a list", "http://a.example,http://b.example", "http://"},
    {"Unix path that is relative", "unix:a", "unix:/path"},
    {"Unix without a path", "unix:", "unix:/path"},
    {"Unix path of 108 bytes", "unix:" PATH_107 "a", "107"},
};

static void check_refused(const void *at)
{
    const struct refused_row *row = at;
    char error[TARGET_ERROR_BYTES] = "";
    struct target target = {0};

    bool valid = target_parse(row->text, &target, error);
    if (check(!valid, "accepted as %s", valid ? target.url : "")) {
        check_has("error", error, row->hint);
        check_lacks("error", error, "s3cret");
        check(target.url == NULL && target.host == NULL, "something is left to free");
    } else {
        target_free(&target);
    }
}

static const struct egress_row {
    const char *name, *text;
    const char *shown; /* NULL: refused */
} egress_rows[] = {
    {"http", "http://proxy.example:3128", "http://proxy.example:3128"},
    {"socks5", "socks5://127.0.0.1:1080", "socks5://127.0.0.1:1080"},
    {"socks5h", "socks5h://[::1]:1080", "socks5h://[::1]:1080"},
    {"slash at the end", "http://proxy.example:3128/", "http://proxy.example:3128"},
    {"scheme in capitals", "SOCKS5H://Proxy.example:1", "socks5h://Proxy.example:1"},
    {"the usual port", "http://proxy.example:80", "http://proxy.example:80"},
    {"user and password", "http://s3cret:s3cret@proxy.example:1", "http://***@proxy.example:1"},
    {"user alone", "socks5://s3cret@proxy.example:1", "socks5://***@proxy.example:1"},
    {"empty password", "http://s3cret:@proxy.example:1", "http://***@proxy.example:1"},
    {"percent-encoded (RFC 3986 3.2.1)", "http://s3cret%40%3A:s3cret%2F%25%C3%A4@proxy.example:1",
     "http://***@proxy.example:1"},
    {"colon in the password", "http://s3cret:s3cret:s3cret@proxy.example:1",
     "http://***@proxy.example:1"},

    {"empty", "", NULL},
    {"no scheme", "proxy.example:3128", NULL},
    {"https", "https://proxy.example:3128", NULL},
    {"socks4", "socks4://proxy.example:1080", NULL},
    {"no port", "http://proxy.example", NULL},
    {"empty port", "http://proxy.example:", NULL},
    {"no host", "http://", NULL},
    {"no host, but a port", "http://:3128", NULL},
    {"three slashes: the host is empty", "http:///proxy.example:3128", NULL},
    {"path", "http://proxy.example:3128/a", NULL},
    {"query", "http://proxy.example:3128/?a", NULL},
    {"fragment", "http://proxy.example:3128/#a", NULL},
    {"port over 65535", "http://proxy.example:65536", NULL},
    {"port by name", "http://proxy.example:http", NULL},
    {"password with an at sign", "http://user:pass@word@proxy.example:1", NULL},
    {"password with a slash", "http://user:pass/word@proxy.example:1", NULL},
    {"password with an encoded LF", "http://user:pass%0Aword@proxy.example:1", NULL},
    {"password with an encoded NUL", "http://user:pass%00word@proxy.example:1", NULL},
    {"user with an encoded CR", "http://us%0Der:pass@proxy.example:1", NULL},
    {"space", "http://proxy.example:3128 ", NULL},
    {"line end", "http://proxy.example:3128\n", NULL},
    {"letters beyond ASCII", "http://\xC3\xA4.example:3128", NULL},
};

static void check_egress(const void *at)
{
    const struct egress_row *row = at;
    struct egress egress;

    bool valid = egress_parse(row->text, &egress);
    check_number("valid", valid, row->shown != NULL);
    check_text("url, for libcurl", egress.url, valid ? row->text : NULL);
    check_text("shown", egress.shown, row->shown);
    egress_free(&egress);
    egress_free(&egress); /* an empty one */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROWS(target_rows, check_target),
        TEST(test_unix),
        ROWS(refused_rows, check_refused),
        ROWS(egress_rows, check_egress),
    };

    return cmocka_run_group_tests_name("target", tests, NULL, NULL);
}
