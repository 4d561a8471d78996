/* Tests of route: which route a request takes, what its target is asked for, and that no way to
 * write a path leads past a route. */
#include "route.h"

#include <string.h>

#include "support.h"

static const char routes[] = "[route:payments]\npath = /payments\ntarget = http://a.example\n"
                             "strip_path = on\n"
                             "[route:v2]\npath = /payments/v2\ntarget = http://b.example/base\n"
                             "strip_path = on\n"
                             "[route:api]\npath = /api\ntarget = http://a.example\n"
                             "[route:host]\nhost = Payments.Local\ntarget = http://c.example\n"
                             "[route:both]\nhost = payments.local\npath = /api\n"
                             "target = http://c.example\n"
                             "[route:port]\nhost = payments.local:8080\n"
                             "target = http://d.example\n"
                             "[route:six]\nhost = [::1]\ntarget = http://e.example\n";

static struct http_request asked(const char *target, const char *host)
{
    return request_of(text_of("%s %s HTTP/1.1\r\nHost: %s\r\n\r\n",
                              target[0] == '*' ? "OPTIONS" : "GET", target, host));
}

/* ---- choosing ---- */

static const struct choice_row {
    const char *name; /* the request target */
    const char *host;
    const char *route; /* its name; "" for [proxy]'s */
} choice_rows[] = {
    {"/payments", "h", "payments"},
    {"/payments/", "h", "payments"},
    {"/payments/x", "h", "payments"},
    {"/payments?x", "h", "payments"},
    {"/payments?/v2/x", "h", "payments"},
    {"/paymentsx", "h", ""},
    {"/payment", "h", ""},
    {"/Payments", "h", ""},
    {"/", "h", ""},
    {"/x/payments", "h", ""},
    {"/?/payments", "h", ""},
    {"/payments/v2", "h", "v2"},
    {"/payments/v2/", "h", "v2"},
    {"/payments/v2?x", "h", "v2"},
    {"/payments/v22", "h", "payments"},
    {"/payments/v", "h", "payments"},
    {"/payments/x/v2", "h", "payments"},
    {"*", "h", ""},
    {"*", "payments.local", "host"},
    {"http://h/payments", "x", "payments"},
    {"http://h", "x", ""},
    {"http://h?x", "x", ""},
    {"http://PAYMENTS.local", "x", "host"},
    {"http://h/", "payments.local", ""},
    {"/", "payments.local", "host"},
    {"/", "PAYMENTS.LOCAL", "host"},
    {"/", "payments.local:80", "host"},
    {"/", "payments.local:8080", "port"},
    {"/", "payments.local:8081", "host"},
    {"/", "payments.local.", "host"},
    {"/", "payments.local.:8080", "port"},
    {"/", "xpayments.local", ""},
    {"/", "payments.localx", ""},
    {"/api/x", "payments.local", "both"},
    {"/api/x", "payments.local:8080", "port"},
    {"/payments", "payments.local", "host"},
    {"/", "[::1]", "six"},
    {"/", "[::1]:80", "six"},
    {"/", "[::2]", ""},
    /* What every target reads as one path alone. */
    {"/payments/a%20b", "h", "payments"},
    {"/payments/%41", "h", "payments"},
    {"/payments/.x/x./...", "h", "payments"},
    {"/payments//x", "h", "payments"},
    {"/payments/a;b=c", "h", "payments"},
    {"/a%20b", "h", ""},
    {"/a%2fpayments", "h", ""},
    {"//x//y", "h", ""},
    {"/a%", "h", ""},
    {"/a%2", "h", ""},
    {"/a%zz", "h", ""},
    {"/payments%", "h", ""},
    {"/?..", "h", ""},
    {"/?%2e%2e/../payments", "h", ""},
};

static void check_choice(const void *at)
{
    const struct choice_row *row = at;
    const struct config *config = config_of(routes);
    const struct http_request request = asked(row->name, row->host);
    const struct config_route *route = NULL;

    check_number("choice", route_choose(config, &request, &route), ROUTE_FOUND);
    if (check(route != NULL, "no route"))
        check_text("route", route->name, row->route);
}

static const struct refused_row {
    const char *name; /* the request target */
    enum route_choice choice;
} refused_rows[] = {
    {"/payments/../admin", ROUTE_DOTTED},
    {"/payments/..", ROUTE_DOTTED},
    {"/payments/.", ROUTE_DOTTED},
    {"/payments/./x", ROUTE_DOTTED},
    {"/x/../payments", ROUTE_DOTTED},
    {"/..", ROUTE_DOTTED},
    {"/payments/..?x", ROUTE_DOTTED},
    {"/payments/%2e%2e/x", ROUTE_DOTTED},
    {"/payments/.%2E/x", ROUTE_DOTTED},
    {"/payments/%252e%252e/x", ROUTE_DOTTED},
    {"/payments/%25%32%65%252E/x", ROUTE_DOTTED},
    {"/payments/..;a=b/x", ROUTE_DOTTED},
    {"/payments/..%3ba/x", ROUTE_DOTTED},
    {"/payments/..%2fx", ROUTE_DOTTED},
    {"/payments/x%2f..", ROUTE_DOTTED},
    {"/payments/..%5cx", ROUTE_DOTTED},
    {"/payments/..\\x", ROUTE_DOTTED},
    {"/payments\\..\\x", ROUTE_DOTTED},
    {"/payments/x%255c..%255cy", ROUTE_DOTTED},
    {"//payments", ROUTE_UNCLEAR},
    {"/\\payments", ROUTE_UNCLEAR},
    {"/pay%6dents", ROUTE_UNCLEAR},
    {"/pay%6Dents/x", ROUTE_UNCLEAR},
    {"/pay%256dents", ROUTE_UNCLEAR},
    {"/pay%25%36%64ents", ROUTE_UNCLEAR},
    {"/%70%61%79%6d%65%6e%74%73", ROUTE_UNCLEAR},
    {"/payments%2fx", ROUTE_UNCLEAR},
    {"/payments%5Cx", ROUTE_UNCLEAR},
    {"/payments\\x", ROUTE_UNCLEAR},
    {"/payments;x", ROUTE_UNCLEAR},
    {"/payments;x/y", ROUTE_UNCLEAR},
    {"/payments%3bx/y", ROUTE_UNCLEAR},
    {"/;x/payments", ROUTE_UNCLEAR},
    {"/payments//v2", ROUTE_UNCLEAR},
    {"/payments/v%32", ROUTE_UNCLEAR},
    {"/payments/v2;x", ROUTE_UNCLEAR},
    {"%2fpayments", ROUTE_UNCLEAR},
};

static void check_refused(const void *at)
{
    const struct refused_row *row = at;
    const char *target = row->name[0] == '/' ? row->name : text_of("/%s", row->name);
    const struct http_request request = asked(target, "h");
    const struct config_route *route = NULL;

    check_number("choice", route_choose(config_of(routes), &request, &route), row->choice);
    check(route == NULL, "a route was taken");
}

/* With hosts alone a path is the target's own matter. */
static void test_paths_without_routes_by_path(void)
{
    const struct config *config = config_of("[route:a]\nhost = a\ntarget = http://b.example\n");
    const struct http_request request = asked("/a/../%2e%2e//;x", "a");
    const struct config_route *route;

    check_number("choice", route_choose(config, &request, &route), ROUTE_FOUND);
    check_text("route", route->name, "a");
}

static void test_none(void)
{
    const struct config *config;
    const struct config_route *route;
    const char *report;
    const struct http_request request = asked("/b", "h");
    const char *file = new_file(slice_of("[route:a]\npath = /a\ntarget = http://a.example\n"));

    config = load_config(&(struct config_source){.file = file}, &report);
    assert_non_null(config);
    check_number("choice", route_choose(config, &request, &route), ROUTE_NONE);
    check(route == NULL, "there is one");
}

/* The longest path that may be configured, asked for in longer and longer ways. */
static void test_long_paths(void)
{
    const char *path = letters(CONFIG_MATCH_PATH_MAX - 1);
    const struct config *config =
        config_of(text_of("[route:long]\npath = /%s\ntarget = http://a.example\n", path));
    const struct config_route *route;
    struct http_request request = asked(text_of("/%s/%s", path, letters(5000)), "h");

    check_number("below it", route_choose(config, &request, &route), ROUTE_FOUND);
    check_text("route", route->name, "long");
    request = asked(text_of("/%s%%61/", path), "h");
    check_number("longer by one", route_choose(config, &request, &route), ROUTE_FOUND);
    check_text("route", route->name, "");
    request = asked(text_of("//%s", path), "h");
    check_number("two slashes", route_choose(config, &request, &route), ROUTE_UNCLEAR);
    request = asked(text_of("/%s/%s/%%2e%%2e", path, letters(5000)), "h");
    check_number("dots at the end", route_choose(config, &request, &route), ROUTE_DOTTED);
}

/* ---- stripping ---- */

static const struct strip_row {
    const char *name; /* the request target */
    const char *sent;
} strip_rows[] = {
    {"/payments", "/"},
    {"/payments/", "/"},
    {"/payments?x", "/?x"},
    {"/payments/?x", "/?x"},
    {"/payments/x", "/x"},
    {"/payments/x/?y", "/x/?y"},
    {"/payments//x", "//x"},
    {"/payments/%41", "/%41"},
    {"/payments/v2", "/"},
    {"/payments/v2/x", "/x"},
    {"http://h/payments?x", "/?x"},
    {"/api", "/api"},
    {"/api/x?y", "/api/x?y"},
    {"/x", "/x"},
    {"http://h", "/"},
    {"http://h?x", "/?x"},
};

static void check_strip(const void *at)
{
    const struct strip_row *row = at;
    const struct http_request request = asked(row->name, "h");
    const struct config_route *route;
    bool needs_slash;

    check_number("choice", route_choose(config_of(routes), &request, &route), ROUTE_FOUND);
    struct slice target = route_target(route, &request, &needs_slash);
    struct buffer *out = new_buffer(64);
    buffer_add_text(out, needs_slash ? "/" : "");
    buffer_add(out, target);
    check_octets("sent", buffer_content(out), slice_of(row->sent));
}

static void test_root_is_not_stripped(void)
{
    const struct config *config =
        config_of("[route:a]\npath = /\nstrip_path = on\ntarget = http://b.example\n");
    const struct http_request request = asked("/x/y", "h");
    const struct config_route *route;
    bool needs_slash;

    check_number("choice", route_choose(config, &request, &route), ROUTE_FOUND);
    check_text("route", route->name, "a");
    check_octets("sent", route_target(route, &request, &needs_slash), slice_of("/x/y"));
    check(!needs_slash, "a second slash");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROWS(choice_rows, check_choice),
        ROWS(refused_rows, check_refused),
        TEST(test_paths_without_routes_by_path),
        TEST(test_none),
        TEST(test_long_paths),
        ROWS(strip_rows, check_strip),
        TEST(test_root_is_not_stripped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
