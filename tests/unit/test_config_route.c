/* Tests of config_route and config_routes: which routes a file makes, and what is wrong with those
 * that it does not make. */
#include <string.h>

#include "config.h"
#include "support.h"

#define SECRET "s3cret"
#define TARGET "target = http://a.example\n"

static const struct config *load_text(const char *content)
{
    const struct config_source source = {.file = new_file(slice_of(content))};
    const char *report;
    const struct config *config = load_config(&source, &report);

    check(config != NULL, "refused: %s", report);
    assert_non_null(config);
    return config;
}

/* ---- what a file makes ---- */

static void test_without_routes(void)
{
    const struct config *config = config_of("host = h.example\nmethods = GET,HEAD\n");
    const struct config_route *route = config->routes;

    check_number("routes", config->route_count, 1);
    check_number("targets", config->target_count, 1);
    check_text("name", route->name, "");
    check(route->section == NULL && !config->routes_by_path && !config_has_tls(config),
          "it is more than [proxy] says");
    check_text("host", route->host, "h.example");
    check_text("methods", route->methods, "GET, HEAD");
    check_text("path", route->match_path, NULL);
}

/* In the order in which they are tried, which is not the file's. */
static void test_order(void)
{
    static const char *const order[] = {"port", "both", "host", "longest", "c", "d", "root", ""};
    const struct config *config = load_text(
        "[proxy]\n" TARGET "[route:root]\npath = /\n" TARGET "[route:c]\npath = /cc\n" TARGET
        "[route:longest]\npath = /c/dd\n" TARGET "[route:host]\nhost = a.local\n" TARGET
        "[route:both]\nhost = b.local\npath = /x\n" TARGET
        "[route:port]\nhost = a.local:81\n" TARGET "[route:d]\npath = /dd\n" TARGET);

    assert_int_equal(config->route_count, COUNT_OF(order));
    for (size_t i = 0; i < COUNT_OF(order); i++)
        check_text("route", config->routes[i].name, order[i]);
    check(config->routes_by_path, "none has a path");
    check_number("targets", config->target_count, 1);
}

static void test_settings_of_a_route(void)
{
    const struct config *config =
        load_text("[route:Pay-ments_2 request-headers]\nX-A = b\n[route:Pay-ments_2]\n"
                  "host = Payments.local:81\npath = /a.b/~c\ntarget = https://a.example/base\n"
                  "send_host = c.example\nstrip_path = on\nmethods = PURGE ,GET\n");
    const struct config_route *route = config->routes;
    char place[CONFIG_PLACE_BYTES];

    check_number("routes", config->route_count, 1);
    check_text("name", route->name, "Pay-ments_2");
    check_text("host", route->match_host, "Payments.local:81");
    check_text("path", route->match_path, "/a.b/~c");
    check_text("target", route->target->base_path, "/base");
    check_text("sent host", route->host, "c.example");
    check_text("methods", route->methods, "PURGE, GET");
    check(route->strip_path && config_has_tls(config), "strip_path, or TLS, is off");
    check_number("fields", route->request_fields.count, 1);
    config_place_of_route(route, "target", place);
    check_has("place", place, ":6");
    config_place_of_route(route, "via", place);
    check_text("a place in [proxy]", place, "");
}

static void test_methods(void)
{
    const struct config *config = load_text(
        "[proxy]\nmethods = GET\n[route:a]\npath = /aaa\n" TARGET "methods = all\n"
        "[route:b]\npath = /bb\n" TARGET "[route:c]\npath = /c\n" TARGET "methods = HEAD\n");

    check_text("of its own: all", config->routes[0].methods, NULL);
    check_text("[proxy]'s", config->routes[1].methods, "GET");
    check_text("of its own", config->routes[2].methods, "HEAD");
}

/* Connections are shared where URL and Unix socket are the same, but for the base path. */
static void test_targets(void)
{
    const struct config *config =
        load_text("[route:a]\npath = /aaaaaa\ntarget = http://a.example/x\n"
                  "[route:b]\npath = /bbbbb\ntarget = https://a.example\n"
                  "[route:c]\npath = /cccc\ntarget = http://a.example:80/y\n"
                  "[route:d]\npath = /ddd\ntarget = unix:/run/d\n"
                  "[route:e]\npath = /ee\ntarget = unix:/run/e\n"
                  "[route:f]\npath = /f\ntarget = unix:/run/d\n");
    static const size_t expected[] = {0, 1, 0, 2, 3, 2};

    check_number("targets", config->target_count, 4);
    for (size_t i = 0; i < COUNT_OF(expected); i++)
        check_number(config->routes[i].name, config->routes[i].target_index, expected[i]);
    for (size_t i = 0; i < config->target_count; i++)
        check_number("to", config_route_to(config, i)->target_index, i);
}

static void check_field(const struct config_fields *fields, size_t i, const char *name,
                        const char *value)
{
    const struct value_context nobody = {0};
    struct buffer *out = new_buffer(64);

    if (!check(i < fields->count, "no %s", name))
        return;
    check_text("name", fields->items[i].name, name);
    check(fields->items[i].removes == (value == NULL), "%s is removed, or is not", name);
    value_render(&fields->items[i].value, &nobody, out);
    check_octets(name, buffer_content(out), slice_of(value != NULL ? value : ""));
}

static void test_fields(void)
{
    const struct config *config =
        load_text("[proxy]\n" TARGET "[route:a]\npath = /a\n" TARGET
                  "[request-headers]\nX-A = 1\nX-B = 2\nX-C = 3\n"
                  "[response-headers]\nX-R = 4\n"
                  "[route:a request-headers]\nx_b = own\nX-D = new\nX-C =\n"
                  "[route:a response-headers]\nX-S = 5\n");
    const struct config_route *own = &config->routes[0];
    const struct config_route *general = &config->routes[1];

    check_number("general", general->request_fields.count, 3);
    check_field(&general->request_fields, 1, "X-B", "2");
    check_number("own", own->request_fields.count, 4);
    check_field(&own->request_fields, 0, "X-A", "1");
    check_field(&own->request_fields, 1, "x_b", "own");
    check_field(&own->request_fields, 2, "X-C", NULL);
    check_field(&own->request_fields, 3, "X-D", "new");
    check_number("general, back", general->response_fields.count, 1);
    check_number("own, back", own->response_fields.count, 2);
    check_field(&own->response_fields, 1, "X-S", "5");
}

static void test_text_of_targets(void)
{
    char text[CONFIG_TARGETS_BYTES];

    config_format_targets(config_of(""), text);
    check_text("one", text, "target.example:80");
    config_format_targets(config_of("[route:a]\npath = /a\ntarget = http://b.example\n"), text);
    check_text("two", text, "2 targets by 2 routes");
}

/* ---- what is wrong ---- */

#define ROUTE "[route:a]\npath = /a\n" TARGET /* in lines 3 to 5 */

static const struct fault_row {
    const char *name, *settings; /* from line 3 on, behind [proxy] and target */
    const char *places, *hint;
} fault_rows[] = {
    {"no name", "[route:]\n", "3 ", "for example [route:payments]"},
    {"a name with a dot", "[route:a.b]\n", "3 ", "letters, digits, - and _"},
    {"a name with a quote", "[route:\"a\"]\n", "3 ", "letters, digits, - and _"},
    {"a name that is too long", "[route:abcdefghijklmnopqrstuvwxy]\n", "3 ", "1 to 24"},
    {"spaces before the name", "[route: a]\n", "3 ", "request-headers or response-headers"},
    {"another kind of section", "[route:a headers]\nX-A = " SECRET "\n", "3 ",
     "request-headers or response-headers"},
    {"a kind in capitals", "[route:a Request-Headers]\n", "3 ", "request-headers"},
    {"no target", "[route:a]\npath = /a\n", "3 ", "[route:a] has no target"},
    {"neither path nor host", "[route:a]\n" TARGET, "3 ", "set path, for example path = /a"},
    {"nothing at all", "[route:a]\n", "3 3 ", "no target"},
    {"fields of no route", "[route:a request-headers]\nX-A = b\n", "3 ", "there is no [route:a]"},
    {"an unknown setting", ROUTE "user = b\n", "6 ",
     "path, host, target, send_host, strip_path, methods"},
    {"what may be a secret", ROUTE SECRET "= b\n", "6 ", "this is not a setting of [route:a]"},
    {"a setting twice", ROUTE "path = /b\n", "6 ", "first in line 4"},
    {"a field twice", ROUTE "[route:a request-headers]\nX-A = 1\nx_a = 2\n", "8 ", ":7"},
    {"a field of the connection", ROUTE "[route:a request-headers]\nTE = x\n", "7 ", "connection"},
    {"Host", ROUTE "[route:a request-headers]\nHost = x\n", "7 ", "send_host = in a route"},
    {"a variable that is not set", ROUTE "[route:a request-headers]\nX = ${env:UNIT_NOT_SET}\n",
     "7 ", "UNIT_NOT_SET is not set"},
    {"a token in a response", ROUTE "[route:a response-headers]\nX = ${token:t}\n", "7 ", "token"},
    {"no such token", ROUTE "[route:a request-headers]\nX = ${token:t}\n", "7 ", "[token:t]"},
    {"the same path", ROUTE "[route:b]\n" TARGET "path = /a\n", "6 ", "[route:a] in line 3"},
    {"the same host", "[route:a]\nhost = A.b\n" TARGET "[route:b]\nhost = a.B\n" TARGET, "6 ",
     "[route:a] in line 3"},
    {"the same of both",
     "[route:a]\nhost = a\npath = /a\n" TARGET "[route:b]\npath = /a\nhost = a\n" TARGET, "7 ",
     "the same requests"},
    {"strip_path without a path", "[route:a]\nhost = a\nstrip_path = on\n" TARGET, "3 ",
     "strip_path goes with path"},
    {"strip_path", ROUTE "strip_path = yes\n", "6 ", "give on or off"},
    {"target", "[route:a]\npath = /a\ntarget = a.example\n", "5 ", "https://preprod.example.com"},
    {"target with a password", "[route:a]\npath = /a\ntarget = http://u:" SECRET "@a\n", "5 ",
     "target = ***"},
    {"host", "[route:a]\n" TARGET "host = http://a\n", "5 ", "host = http://a: give host"},
    {"send_host", ROUTE "send_host = a b\n", "6 ", "send_host = a b: give host"},
    {"path without a slash", "[route:a]\n" TARGET "path = a\n", "5 ", "begin it with a slash"},
    {"path is empty", "[route:a]\n" TARGET "path =\n", "5 ", "begin it with a slash"},
    {"path with a slash at its end", "[route:a]\n" TARGET "path = /a/\n", "5 ",
     "without the slash at its end"},
    {"path with two slashes", "[route:a]\n" TARGET "path = /a//b\n", "5 ", "one slash"},
    {"path that begins with two", "[route:a]\n" TARGET "path = //a\n", "5 ", "one slash"},
    {"path with dots", "[route:a]\n" TARGET "path = /a/../b\n", "5 ", "segments . and .."},
    {"path that ends in dots", "[route:a]\n" TARGET "path = /a/..\n", "5 ", "segments . and .."},
    {"path of a dot", "[route:a]\n" TARGET "path = /.\n", "5 ", "segments . and .."},
    {"path with a query", "[route:a]\n" TARGET "path = /a?b\n", "5 ", "leave out ?"},
    {"path with a fragment", "[route:a]\n" TARGET "path = /a#b\n", "5 ", "leave out ?"},
    {"path with parameters", "[route:a]\n" TARGET "path = /a;b\n", "5 ", "leave out ?"},
    {"path that is encoded", "[route:a]\n" TARGET "path = /%61\n", "5 ", "leave out ?"},
    {"path with a space", "[route:a]\n" TARGET "path = /a b\n", "5 ", "leave out ?"},
    {"path with a backslash", "[route:a]\n" TARGET "path = /a\\b\n", "5 ", "leave out ?"},
    {"methods in small letters", ROUTE "methods = get\n", "6 ", "capital letters"},
    {"no methods", "methods =\n", "3 ", "GET, HEAD, OPTIONS"},
    {"all and another one", "methods = all, GET\n", "3 ", "capital letters"},
    {"methods without a comma", "methods = GET HEAD\n", "3 ", "with commas between"},
    {"a comma at the end", "methods = GET,\n", "3 ", "with commas between"},
    {"a method twice", "methods = GET, HEAD, GET\n", "3 ", "twice"},
    {"TRACE", "methods = GET, TRACE\n", "3 ", "never served"},
    {"CONNECT", "methods = CONNECT\n", "3 ", "never served"},
    {"one name for two targets with TLS",
     "[tls]\nserver_name = x\n[route:a]\npath = /a\ntarget = https://a\n"
     "[route:b]\npath = /b\ntarget = https://b\n",
     "4 ", "2 targets with TLS"},
    {"egress and a Unix socket",
     "egress = http://c:1\n[route:a]\npath = /a\ntarget = unix:/run/a\n", "3 ", "unix:/run/a"},
};

static void check_refused(const char *content, const char *places, const char *hint)
{
    const struct config_source source = {.file = new_file(slice_of(content))};
    const char *report;

    check(load_config(&source, &report) == NULL, "accepted");
    if (!check_text("places", places_of(report, source.file), places))
        check(false, "report: %s", report);
    check_has("hint", report, hint);
    check_lacks("report", report, SECRET);
}

static void check_fault(const void *at)
{
    const struct fault_row *row = at;

    check_refused(text_of("[proxy]\n" TARGET "%s", row->settings), row->places, row->hint);
}

static void test_long_settings(void)
{
    check_refused(text_of("[route:a]\n" TARGET "path = /%s\n", letters(CONFIG_MATCH_PATH_MAX)),
                  "3 ", "too long");
    check_refused(text_of("[proxy]\n" TARGET "methods = %0*d\n", (int)CONFIG_METHODS_MAX + 1, 0),
                  "3 ", "too long");
}

static void test_host_without_its_target(void)
{
    check_refused("[proxy]\nhost = h\n" ROUTE, "2 ", "in a route it is send_host");
}

static void test_nothing_to_go_to(void)
{
    check_refused("[proxy]\n", "file ", "target is missing");
}

static void test_too_many(void)
{
    struct buffer *out = new_buffer(64 * 1024);

    for (unsigned i = 0; i <= CONFIG_ROUTES_MAX; i++)
        buffer_add_text(out, text_of("[route:r%u]\npath = /%u\n" TARGET, i, i));
    buffer_add(out, (struct slice)OCTETS("\0"));
    check_refused(out->at, "769 ", "more than 256 routes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_without_routes),
        TEST(test_order),
        TEST(test_settings_of_a_route),
        TEST(test_methods),
        TEST(test_targets),
        TEST(test_fields),
        TEST(test_text_of_targets),
        ROWS(fault_rows, check_fault),
        TEST(test_long_settings),
        TEST(test_host_without_its_target),
        TEST(test_nothing_to_go_to),
        TEST(test_too_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
