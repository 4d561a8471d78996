/* Tests of answer: the exact octets of the bridge's own answers (RFC 9110 15, RFC 9209). */
#include <string.h>

#include "answer.h"
#include "support.h"

#define METHODS "GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS"

static const struct answer_row {
    const char *name;
    unsigned status;
    const char *type, *detail;
    bool is_head, close, keep_alive_1_0;
    const char *expected;
} answer_rows[] = {
    {"400 and close (0:15.5.1)", 400, "http_request_error", "Host is missing", false, true, false,
     "HTTP/1.1 400 Bad Request\r\nDate: NOW\r\nConnection: close\r\n"
     "Content-Type: text/plain; charset=utf-8\r\nCache-Control: no-store\r\n"
     "Proxy-Status: authbridge; error=http_request_error\r\nContent-Length: 45\r\n\r\n"
     "authbridge: 400 Bad Request: Host is missing\n"},
    {"502 and no more", 502, "connection_refused", "x", false, false, false,
     "HTTP/1.1 502 Bad Gateway\r\nDate: NOW\r\n"
     "Content-Type: text/plain; charset=utf-8\r\nCache-Control: no-store\r\n"
     "Proxy-Status: authbridge; error=connection_refused\r\nContent-Length: 31\r\n\r\n"
     "authbridge: 502 Bad Gateway: x\n"},
    {"502 to 1.0 that stays (9.3)", 502, "connection_refused", "x", false, false, true,
     "HTTP/1.1 502 Bad Gateway\r\nDate: NOW\r\nConnection: keep-alive\r\n"
     "Content-Type: text/plain; charset=utf-8\r\nCache-Control: no-store\r\n"
     "Proxy-Status: authbridge; error=connection_refused\r\nContent-Length: 31\r\n\r\n"
     "authbridge: 502 Bad Gateway: x\n"},
    {"no content for HEAD (0:9.3.2)", 502, "connection_refused", "x", true, true, false,
     "HTTP/1.1 502 Bad Gateway\r\nDate: NOW\r\nConnection: close\r\n"
     "Content-Type: text/plain; charset=utf-8\r\nCache-Control: no-store\r\n"
     "Proxy-Status: authbridge; error=connection_refused\r\nContent-Length: 31\r\n\r\n"},
    {"405 says what is allowed (0:15.5.6)", 405, "http_request_error", "x", false, true, false,
     "HTTP/1.1 405 Method Not Allowed\r\nDate: NOW\r\nConnection: close\r\n"
     "Content-Type: text/plain; charset=utf-8\r\nCache-Control: no-store\r\n"
     "Proxy-Status: authbridge; error=http_request_error\r\nAllow: " METHODS "\r\n"
     "Content-Length: 38\r\n\r\nauthbridge: 405 Method Not Allowed: x\n"},
    {"503 says when to come back (0:15.6.4)", 503, "proxy_internal_error", "x", false, true, false,
     "HTTP/1.1 503 Service Unavailable\r\nDate: NOW\r\nConnection: close\r\n"
     "Content-Type: text/plain; charset=utf-8\r\nCache-Control: no-store\r\n"
     "Proxy-Status: authbridge; error=proxy_internal_error\r\nRetry-After: 1\r\n"
     "Content-Length: 39\r\n\r\nauthbridge: 503 Service Unavailable: x\n"},
};

static void check_answer(const void *at)
{
    const struct answer_row *row = at;
    struct buffer *out = new_buffer(ANSWER_BYTES_MAX);
    struct fault fault;

    fault_set(&fault, row->status, row->type, "%s", row->detail);
    answer_fault(&fault, row->is_head, row->close, row->keep_alive_1_0, out);
    check(!out->overflowed, "no room");
    check_text("answer", mask_date(buffer_content(out)), row->expected);
}

/* Every status of the design has its phrase, and its answer is a well-formed response. */
static const struct status_row {
    const char *name; /* the reason (0:15, 0:18.3) */
    unsigned status;
} status_rows[] = {
    {"OK", 200},
    {"Bad Request", 400},
    {"Forbidden", 403},
    {"Method Not Allowed", 405},
    {"Request Timeout", 408},
    {"Content Too Large", 413},
    {"URI Too Long", 414},
    {"Expectation Failed", 417},
    {"Request Header Fields Too Large", 431},
    {"Not Implemented", 501},
    {"Bad Gateway", 502},
    {"Service Unavailable", 503},
    {"Gateway Timeout", 504},
    {"HTTP Version Not Supported", 505},
};

static void check_status(const void *at)
{
    const struct status_row *row = at;
    struct buffer *out = new_buffer(ANSWER_BYTES_MAX);
    struct http_request request = request_of("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    struct http_response response;
    struct http_fault http_fault;
    struct fault fault;

    check_text("reason", answer_reason(row->status), row->name);
    fault_set(&fault, row->status, "http_request_error", "%s", letters(10000));
    answer_fault(&fault, false, true, false, out);
    check(!out->overflowed, "the longest detail has no room");
    struct http_head head = head_of(HTTP_RESPONSE, buffer_content(out));
    assert_true(http_response_read(&head, &request, &response, &http_fault));
    check_number("status", response.status, row->status);
    check_number("length", response.length, buffer_length(out) - head.length);
    check(!response.keep_alive && response.has_date, "no Connection: close or no Date");
}

static void test_unknown_status(void)
{
    check(answer_reason(999)[0] != '\0', "no phrase at all");
}

static void test_options(void)
{
    struct buffer *out = new_buffer(ANSWER_BYTES_MAX);

    answer_options(METHODS, false, false, out);
    check_text("OPTIONS", mask_date(buffer_content(out)),
               "HTTP/1.1 200 OK\r\nDate: NOW\r\nAllow: " METHODS "\r\nContent-Length: 0\r\n\r\n");
    buffer_clear(out);
    answer_options(METHODS, true, false, out);
    check_text("OPTIONS and close", mask_date(buffer_content(out)),
               "HTTP/1.1 200 OK\r\nDate: NOW\r\nConnection: close\r\nAllow: " METHODS
               "\r\nContent-Length: 0\r\n\r\n");
    buffer_clear(out);
    answer_options(METHODS, false, true, out);
    check_text("OPTIONS to 1.0", mask_date(buffer_content(out)),
               "HTTP/1.1 200 OK\r\nDate: NOW\r\nConnection: keep-alive\r\nAllow: " METHODS
               "\r\nContent-Length: 0\r\n\r\n");
}

/* What libcurl and OpenSSL report may hold octets from the network: they go into the log. */
static const struct detail_row {
    const char *name, *detail, *expected;
} detail_rows[] = {
    {"LF", "a\nb", "a?b"},          {"CRLF at the end", "a\r\n", "a??"},
    {"ESC", "\x1B[2J", "?[2J"},     {"tab", "a\tb", "a?b"},
    {"DEL", "a\x7F", "a?"},         {"the lowest", "\x01", "?"},
    {"the highest", "\x1F ", "? "}, {"letters beyond ASCII stay", "\xC3\xA4", "\xC3\xA4"},
};

static void check_detail(const void *at)
{
    const struct detail_row *row = at;
    struct fault fault;

    fault_set(&fault, 502, "tls_protocol_error", "%s", row->detail);
    check_text("detail", fault.detail, row->expected);
}

static void test_fault_is_cut_to_its_room(void)
{
    struct fault fault;

    fault_set(&fault, 502, "connection_refused", "%s: %d", letters(FAULT_DETAIL_BYTES), 5);
    check_number("length", strlen(fault.detail), FAULT_DETAIL_BYTES - 1);
    fault_set(&fault, 502, "connection_refused", "%s: %d", "a", 5);
    check_text("detail", fault.detail, "a: 5");
    check_text("type", fault.type, "connection_refused");
    check_number("status", fault.status, 502);
}

static void test_fields_are_inserted_behind_the_status_line(void)
{
    struct slice fields = slice_of("A: b\r\nC: d\r\n");
    const char *answer = "HTTP/1.1 200 OK\r\nX: y\r\n\r\nok";
    const char *longer = "HTTP/1.1 200 OK\r\nA: b\r\nC: d\r\nX: y\r\n\r\nok";
    struct buffer *out = new_buffer(strlen(longer));

    buffer_add_text(out, answer);
    answer_insert(out, (struct slice){NULL, 0});
    check_octets("nothing", buffer_content(out), slice_of(answer));
    answer_insert(out, fields);
    check_octets("fields", buffer_content(out), slice_of(longer));
    check(!out->overflowed, "it fitted");
    answer_insert(out, fields);
    check(out->overflowed, "no room is not seen");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROWS(answer_rows, check_answer),
        ROWS(status_rows, check_status),
        TEST(test_unknown_status),
        TEST(test_options),
        ROWS(detail_rows, check_detail),
        TEST(test_fault_is_cut_to_its_room),
        TEST(test_fields_are_inserted_behind_the_status_line),
    };

    return cmocka_run_group_tests_name("answer", tests, NULL, NULL);
}
