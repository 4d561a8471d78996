/* Tests of method_guard: which requests may go to a target that is not to be changed. */
#include "method_guard.h"

#include "support.h"

static const struct guard_row {
    const char *name;
    const char *methods; /* the setting's */
    const char *line;    /* method and target */
    const char *fields;
    enum method_verdict verdict;
} guard_rows[] = {
    {"all", "all", "DELETE /?_method=PURGE", "X-HTTP-Method: PATCH\r\n", METHOD_SERVED},
    {"one of the list", "GET, HEAD", "HEAD /", "", METHOD_SERVED},
    {"none of the list", "GET, HEAD", "POST /", "", METHOD_REFUSED},
    {"methods have their case", "GET", "get /", "", METHOD_REFUSED},
    {"GET does not bring HEAD", "GET", "HEAD /", "", METHOD_REFUSED},
    {"a part of a name", "GET, OPTIONS", "OPTION /", "", METHOD_REFUSED},
    {"an extension", "GET, PROPFIND", "PROPFIND /", "", METHOD_SERVED},
    {"an override", "GET", "GET /", "X-HTTP-Method-Override: DELETE\r\n", METHOD_OVERRIDE_REFUSED},
    {"another field", "GET", "GET /", "x-http-method: delete\r\n", METHOD_OVERRIDE_REFUSED},
    {"a third field", "GET", "GET /", "X-METHOD-OVERRIDE: Put\r\n", METHOD_OVERRIDE_REFUSED},
    {"as CGI reads names", "GET", "GET /", "X_HTTP_Method_Override: PUT\r\n",
     METHOD_OVERRIDE_REFUSED},
    {"the second of two", "GET", "GET /", "X-HTTP-Method: GET\r\nX-HTTP-Method: PUT\r\n",
     METHOD_OVERRIDE_REFUSED},
    {"a list", "GET", "GET /", "X-HTTP-Method: GET, PUT\r\n", METHOD_OVERRIDE_REFUSED},
    {"an override that is served", "GET, POST", "POST /", "X-HTTP-Method-Override: get\r\n",
     METHOD_SERVED},
    {"an empty override", "GET", "GET /", "X-HTTP-Method-Override: \r\n", METHOD_SERVED},
    {"another field's value", "GET", "GET /", "X-Method: PUT\r\n", METHOD_SERVED},
    {"_method", "GET", "GET /?_method=DELETE", "", METHOD_OVERRIDE_REFUSED},
    {"_method in small letters", "GET", "GET /a?b=c&_method=delete&d", "", METHOD_OVERRIDE_REFUSED},
    {"_method behind a semicolon", "GET", "GET /?a;_method=PUT", "", METHOD_OVERRIDE_REFUSED},
    {"_METHOD", "GET", "GET /?_METHOD=PUT", "", METHOD_OVERRIDE_REFUSED},
    {"encoded name", "GET", "GET /?%5fm%65thod=PUT", "", METHOD_OVERRIDE_REFUSED},
    {"encoded value", "GET, POST", "GET /?_method=%50%55T", "", METHOD_OVERRIDE_REFUSED},
    {"encoded value that is served", "GET, PUT", "GET /?_method=%50%55T", "", METHOD_SERVED},
    {"PHP's dot", "GET", "GET /?.method=PUT", "", METHOD_OVERRIDE_REFUSED},
    {"PHP's plus", "GET", "GET /?+method=PUT", "", METHOD_OVERRIDE_REFUSED},
    {"PHP's bracket", "GET", "GET /?[method=PUT", "", METHOD_OVERRIDE_REFUSED},
    {"PHP's spaces in front", "GET", "GET /?%20+_method=PUT", "", METHOD_OVERRIDE_REFUSED},
    {"a value with a space", "GET", "GET /?_method=+PUT", "", METHOD_OVERRIDE_REFUSED},
    {"no value", "GET", "GET /?_method", "", METHOD_SERVED},
    {"an empty value", "GET", "GET /?_method=", "", METHOD_SERVED},
    {"the second of two parameters", "GET", "GET /?_method=GET&_method=PUT", "",
     METHOD_OVERRIDE_REFUSED},
    {"a longer name", "GET", "GET /?_methods=PUT", "", METHOD_SERVED},
    {"a longer name in front", "GET", "GET /?a_method=PUT", "", METHOD_SERVED},
    {"a shorter name", "GET", "GET /?_metho=PUT", "", METHOD_SERVED},
    {"in the path", "GET", "GET /_method=PUT", "", METHOD_SERVED},
    {"behind a second mark", "GET", "GET /?a?_method=PUT", "", METHOD_SERVED},
    {"a broken encoding", "GET", "GET /?_method%=PUT&_method=%4", "", METHOD_OVERRIDE_REFUSED},
    {"empty parameters", "GET", "GET /?&&;=&=PUT", "", METHOD_SERVED},
    {"an empty query", "GET", "GET /?", "", METHOD_SERVED},
};

static const struct config *guarded_config(const char *methods, const char *more)
{
    const char *text =
        text_of("[proxy]\ntarget = http://a.example\nmethods = %s\n%s", methods, more);
    const char *report;

    return load_config(&(struct config_source){.file = new_file(slice_of(text))}, &report);
}

static void check_guard(const void *at)
{
    const struct guard_row *row = at;
    const struct config *config = guarded_config(row->methods, "");
    const struct http_request request =
        request_of(text_of("%s HTTP/1.1\r\nHost: h\r\n%s\r\n", row->line, row->fields));

    assert_non_null(config);
    check_number("verdict", method_guard_judge(config->routes, &request), row->verdict);
}

static void test_long_value(void)
{
    const struct config *config = guarded_config("GET", "");
    const struct http_request request =
        request_of(text_of("GET /?_method=%s HTTP/1.1\r\nHost: h\r\n\r\n", letters(3000)));

    check_number("verdict", method_guard_judge(config->routes, &request), METHOD_OVERRIDE_REFUSED);
}

/* The target does not see the client's. */
static void test_configured_field(void)
{
    const struct config *config =
        guarded_config("GET", "[request-headers]\nX-HTTP-Method-Override =\n");
    const struct http_request request =
        request_of("GET / HTTP/1.1\r\nHost: h\r\nX-HTTP-Method-Override: PUT\r\n\r\n");

    check_number("verdict", method_guard_judge(config->routes, &request), METHOD_SERVED);
}

static void test_allow(void)
{
    const struct config *config = guarded_config(
        "GET,HEAD", "[route:a]\npath = /a\ntarget = http://a.example\nmethods = all\n"
                    "[route:b]\npath = /b\ntarget = http://a.example\n"
                    "methods = POST\n"
                    "[route:c]\npath = /c\ntarget = http://a.example\n");

    assert_non_null(config);
    check_text("of all", method_guard_allow(config, &config->routes[0]), HTTP_METHODS_SERVED);
    check_text("of its own", method_guard_allow(config, &config->routes[1]), "POST");
    check_text("inherited", method_guard_allow(config, &config->routes[2]), "GET, HEAD");
    check_text("[proxy]'s", method_guard_allow(config, &config->routes[3]), "GET, HEAD");
    check_text("the bridge's", method_guard_allow(config, NULL), "GET, HEAD");
    check_text("without any", method_guard_allow(config_of(""), NULL), HTTP_METHODS_SERVED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROWS(guard_rows, check_guard),
        TEST(test_long_value),
        TEST(test_configured_field),
        TEST(test_allow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
