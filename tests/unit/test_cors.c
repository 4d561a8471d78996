/* Tests of cors: preflights, and the fields of other answers, also among those of the target. */
#include "cors.h"
#include "rewrite.h"
#include "support.h"

#define CORS "[cors]\norigins = https://App.example:443, http://localhost:3000\n"
#define FULL                                                                                       \
    CORS "methods = GET, PUT\nheaders = X-A, Content-Type\nexpose = X-B, X-C\ncredentials = on\n"  \
         "max_age = 90s\n"
#define ALL       "[cors]\norigins = *\n"
#define APP       "Origin: https://app.example\r\n"
#define OTHER     "Origin: https://other.example\r\n"
#define GET       "GET / HTTP/1.1\r\nHost: bridge.example\r\n"
#define OPTIONS   "OPTIONS / HTTP/1.1\r\nHost: bridge.example\r\n"
#define ASKS      "Access-Control-Request-Method: PUT\r\n"
#define HEADERS   "Access-Control-Request-Headers: x-a,x_b\r\n"
#define ALLOW     "Access-Control-Allow-"
#define VARY      "Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers\r\n"
#define OF_APP    ALLOW "Origin: https://app.example\r\n"
#define CREDENTED ALLOW "Credentials: true\r\n"
#define EXPOSED   "Access-Control-Expose-Headers: X-B, X-C\r\n"

static const struct config_cors *cors_of(const char *settings)
{
    return &config_of(settings)->cors;
}

static const struct allow_row {
    const char *name, *settings, *fields;
    bool allowed;
} allow_rows[] = {
    {"not set", "", APP, false},
    {"listed", CORS, APP, true},
    {"listed with a port", CORS, "Origin: http://localhost:3000\r\n", true},
    {"another port", CORS, "Origin: http://localhost:3001\r\n", false},
    {"another scheme", CORS, "Origin: http://app.example\r\n", false},
    {"another host", CORS, OTHER, false},
    {"a host below", CORS, "Origin: https://a.app.example\r\n", false},
    {"the host and more", CORS, "Origin: https://app.example.evil.example\r\n", false},
    {"null", CORS, "Origin: null\r\n", false},
    {"none", CORS, "", false},
    {"twice", CORS, APP APP, false},
    {"all", ALL, OTHER, true},
    {"all, null", ALL, "Origin: null\r\n", true},
    {"all, none", ALL, "", false},
};

static void check_allow(const void *row_at)
{
    const struct allow_row *row = row_at;
    struct http_request request = request_of(text_of(GET "%s\r\n", row->fields));

    check(cors_allows(cors_of(row->settings), &request) == row->allowed, "allowed");
}

static const struct preflight_row {
    const char *name, *settings, *fields;
    const char *expected; /* NULL: it cannot be answered */
} preflight_rows[] = {
    {"what is asked for", CORS, APP ASKS HEADERS,
     OF_APP ALLOW "Methods: PUT\r\n" ALLOW
                  "Headers: x-a,x_b\r\nAccess-Control-Max-Age: 600\r\n" VARY "\r\n"},
    {"without fields", CORS, APP ASKS,
     OF_APP ALLOW "Methods: PUT\r\nAccess-Control-Max-Age: 600\r\n" VARY "\r\n"},
    {"with empty fields", CORS, APP ASKS "Access-Control-Request-Headers:\r\n",
     OF_APP ALLOW "Methods: PUT\r\nAccess-Control-Max-Age: 600\r\n" VARY "\r\n"},
    {"what is listed", FULL, APP ASKS HEADERS,
     OF_APP CREDENTED ALLOW "Methods: GET, PUT\r\n" ALLOW
                            "Headers: X-A, Content-Type\r\nAccess-Control-Max-Age: 90\r\n" VARY
                            "\r\n"},
    {"all origins, and stars", ALL "methods = *\nheaders = *\nmax_age = 0s\n", OTHER ASKS HEADERS,
     ALLOW "Origin: *\r\n" ALLOW "Methods: PUT\r\n" ALLOW
           "Headers: x-a,x_b\r\nAccess-Control-Max-Age: 0\r\n" VARY "\r\n"},
    {"private network", CORS, APP ASKS "Access-Control-Request-Private-Network: true\r\n",
     OF_APP ALLOW "Methods: PUT\r\nAccess-Control-Max-Age: 600\r\n" ALLOW
                  "Private-Network: true\r\n" VARY "\r\n"},
    {"no private network", CORS, APP ASKS "Access-Control-Request-Private-Network: false\r\n",
     OF_APP ALLOW "Methods: PUT\r\nAccess-Control-Max-Age: 600\r\n" VARY "\r\n"},
    {"no method", CORS, APP "Access-Control-Request-Method: P T\r\n", NULL},
    {"no names", CORS, APP ASKS "Access-Control-Request-Headers: a, b c\r\n", NULL},
    {"an empty name", CORS, APP ASKS "Access-Control-Request-Headers: a,,b\r\n", NULL},
};

static void check_preflight(const void *row_at)
{
    const struct preflight_row *row = row_at;
    struct http_request request = request_of(text_of(OPTIONS "%s\r\n", row->fields));
    struct buffer *out = new_buffer(2048);

    check(cors_is_preflight(&request), "no preflight");
    bool added = cors_add_preflight(cors_of(row->settings), &request, out);
    check(added == (row->expected != NULL), "added");
    if (added && row->expected != NULL)
        check_octets("fields", buffer_content(out), slice_of(row->expected));
}

static const struct {
    const char *name, *request;
} other_rows[] = {
    {"another method", GET APP ASKS "\r\n"},
    {"no origin", OPTIONS ASKS "\r\n"},
    {"nothing asked for", OPTIONS APP "\r\n"},
};

static void check_other(const void *row_at)
{
    struct http_request request = request_of(((const char *const *)row_at)[1]);

    check(!cors_is_preflight(&request), "a preflight");
}

static const struct response_row {
    const char *name, *settings, *fields; /* of the request */
    const char *status, *came, *sent;     /* field lines of the response */
} response_rows[] = {
    {"not set", "", APP, "200 OK", ALLOW "Origin: *\r\nVary: A\r\n",
     ALLOW "Origin: *\r\nVary: A\r\n"},
    {"allowed", CORS, APP, "200 OK", "X: y\r\n", "X: y\r\n" OF_APP "Vary: Origin\r\n"},
    {"all of it", FULL, APP, "200 OK", "", OF_APP CREDENTED EXPOSED "Vary: Origin\r\n"},
    {"not allowed", FULL, OTHER, "200 OK", "X: y\r\n", "X: y\r\nVary: Origin\r\n"},
    {"no Origin", FULL, "", "200 OK", "X: y\r\n", "X: y\r\nVary: Origin\r\n"},
    {"all", ALL "expose = X-B, X-C\n", OTHER, "200 OK", "", ALLOW "Origin: *\r\n" EXPOSED},
    {"all, no Origin", ALL, "", "200 OK", "", ALLOW "Origin: *\r\n"},
    {"replaced", FULL, APP, "200 OK",
     ALLOW "Origin: *\r\nX: y\r\naccess-control-max-age: 5\r\n" ALLOW
           "Origin: https://a.example\r\n",
     "X: y\r\n" OF_APP CREDENTED EXPOSED "Vary: Origin\r\n"},
    {"taken out", FULL, "", "200 OK", ALLOW "Origin: *\r\n" EXPOSED, "Vary: Origin\r\n"},
    {"like it in name", CORS, "", "200 OK", "Access-Control: a\r\nX-" ALLOW "Origin: b\r\n",
     "Access-Control: a\r\nX-" ALLOW "Origin: b\r\nVary: Origin\r\n"},
    {"Vary of the target", CORS, APP, "200 OK", "vary:  Accept,X \r\nX: y\r\n",
     "vary: Accept,X, Origin\r\nX: y\r\n" OF_APP},
    {"Vary that names it", CORS, APP, "200 OK", "Vary: Accept, origin\r\n",
     "Vary: Accept, origin\r\n" OF_APP},
    {"Vary of all", CORS, "", "200 OK", "Vary: *\r\n", "Vary: *\r\n"},
    {"Vary that is empty", CORS, "", "200 OK", "Vary:\r\n", "Vary: Origin\r\n"},
    {"two of Vary", CORS, "", "200 OK", "Vary: A\r\nVary: B\r\n", "Vary: A, Origin\r\nVary: B\r\n"},
    {"two, the second names it", CORS, "", "200 OK", "Vary: A\r\nVary: Origin\r\n",
     "Vary: A\r\nVary: Origin\r\n"},
    {"Vary for the connection only", CORS, "", "200 OK", "Connection: vary\r\nVary: Origin\r\n",
     "Vary: Origin\r\n"},
    {"Vary when all are allowed", ALL, "", "200 OK", "Vary: A\r\n",
     "Vary: A\r\n" ALLOW "Origin: *\r\n"},
    {"304", CORS, APP, "304 Not Modified", "", OF_APP "Vary: Origin\r\n"},
    {"interim", CORS, APP, "103 Early Hints", ALLOW "Origin: *\r\n", ALLOW "Origin: *\r\n"},
};

static void check_response(const void *row_at)
{
    static const struct value_context context;
    const struct response_row *row = row_at;
    const char *date = row->status[0] == '1' ? "" : "Date: a\r\n";
    struct http_request request = request_of(text_of(GET "%s\r\n", row->fields));
    struct http_head head = head_of(
        HTTP_RESPONSE, slice_of(text_of("HTTP/1.1 %s\r\n%s%s\r\n", row->status, date, row->came)));
    struct http_response response;
    struct http_fault fault;
    struct buffer *out = new_buffer(2048);

    assert_true(http_response_read(&head, &request, &response, &fault));
    check(rewrite_response(&response, &request, config_of(row->settings)->routes, &context,
                           REWRITE_KEEP, out),
          "no room");
    check_octets("head", buffer_content(out),
                 slice_of(text_of("HTTP/1.1 %s\r\n%s%s\r\n", row->status, date, row->sent)));
}

static void fields_fit_the_bound(void)
{
    const struct config_cors *cors = cors_of(FULL);
    struct http_request request = request_of(GET APP "\r\n");
    struct buffer *out = new_buffer(cors_bytes_max(cors));

    cors_add_fields(cors, &request, out);
    buffer_add_text(out, ", Origin\r\nVary: Origin\r\n");
    check(!out->overflowed, "the bound is too low");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROWS(allow_rows, check_allow), ROWS(preflight_rows, check_preflight),
        ROWS(other_rows, check_other), ROWS(response_rows, check_response),
        TEST(fields_fit_the_bound),
    };

    return cmocka_run_group_tests_name("cors", tests, NULL, NULL);
}
