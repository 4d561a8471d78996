/* Tests of http_response: what a response head means as the answer to its request (RFC 9110, RFC
 * 9112 6.3). */
#include <string.h>

#include "http_response.h"
#include "support.h"

#define GET  "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
#define HEAD "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n"
#define UPGRADE                                                                                    \
    "GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: websocket, foo/2\r\n\r\n"

/* Reads a response from where it ends with memory. 0, or the status of the refusal. */
static unsigned read_status(const char *request_head, struct slice head,
                            struct http_response *response)
{
    struct http_request request = request_of(request_head);
    struct http_head parsed = head_of(HTTP_RESPONSE, guarded(head));
    struct http_fault fault = {0, NULL};

    if (http_response_read(&parsed, &request, response, &fault))
        return 0;
    check(fault.detail != NULL, "no detail");
    return fault.status;
}

/* ---- framing (6.3) ---- */

#define OK "HTTP/1.1 200 OK\r\n"

static const struct framing_row {
    const char *name, *request;
    struct slice head;
    unsigned status; /* 0, or 502 */
    enum http_framing framing;
    unsigned long long length;
} framing_rows[] = {
    {"length", GET, OCTETS(OK "Content-Length: 5\r\n\r\n"), 0, HTTP_FRAMING_LENGTH, 5},
    {"length of zero", GET, OCTETS(OK "Content-Length: 0\r\n\r\n"), 0, HTTP_FRAMING_LENGTH, 0},
    {"identical lengths (6.3)", GET, OCTETS(OK "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"), 0,
     HTTP_FRAMING_LENGTH, 5},
    {"chunked", GET, OCTETS(OK "Transfer-Encoding: chunked\r\n\r\n"), 0, HTTP_FRAMING_CHUNKED, 0},
    {"no length (6.3)", GET, OCTETS(OK "\r\n"), 0, HTTP_FRAMING_CLOSE, 0},
    {"no length in 1.0", GET, OCTETS("HTTP/1.0 200 OK\r\n\r\n"), 0, HTTP_FRAMING_CLOSE, 0},
    {"length in 1.0", GET, OCTETS("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n"), 0,
     HTTP_FRAMING_LENGTH, 5},
    {"error with a length", GET, OCTETS("HTTP/1.1 500 x\r\nContent-Length: 5\r\n\r\n"), 0,
     HTTP_FRAMING_LENGTH, 5},
    {"205 is framed as usual", GET, OCTETS("HTTP/1.1 205 x\r\nContent-Length: 0\r\n\r\n"), 0,
     HTTP_FRAMING_LENGTH, 0},
    {"unknown status", GET, OCTETS("HTTP/1.1 799 x\r\n\r\n"), 0, HTTP_FRAMING_CLOSE, 0},

    {"HEAD and a length (6.3)", HEAD, OCTETS(OK "Content-Length: 5\r\n\r\n"), 0, HTTP_FRAMING_NONE,
     0},
    {"HEAD and chunked (6.3)", HEAD, OCTETS(OK "Transfer-Encoding: chunked\r\n\r\n"), 0,
     HTTP_FRAMING_NONE, 0},
    {"HEAD and no length (6.3)", HEAD, OCTETS(OK "\r\n"), 0, HTTP_FRAMING_NONE, 0},
    {"204 and a length (6.3)", GET, OCTETS("HTTP/1.1 204 x\r\nContent-Length: 5\r\n\r\n"), 0,
     HTTP_FRAMING_NONE, 0},
    {"204 and chunked (6.3)", GET, OCTETS("HTTP/1.1 204 x\r\nTransfer-Encoding: chunked\r\n\r\n"),
     0, HTTP_FRAMING_NONE, 0},
    {"304 and a length (6.3)", GET, OCTETS("HTTP/1.1 304 x\r\nContent-Length: 5\r\n\r\n"), 0,
     HTTP_FRAMING_NONE, 0},
    {"304 and no length (6.3)", GET, OCTETS("HTTP/1.1 304 x\r\n\r\n"), 0, HTTP_FRAMING_NONE, 0},
    {"100 and a length (6.3)", GET, OCTETS("HTTP/1.1 100 x\r\nContent-Length: 5\r\n\r\n"), 0,
     HTTP_FRAMING_NONE, 0},
    {"199 (6.3)", GET, OCTETS("HTTP/1.1 199 x\r\n\r\n"), 0, HTTP_FRAMING_NONE, 0},

    {"both framings (6.3)", GET,
     OCTETS(OK "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"), 502, 0, 0},
    {"differing lengths (6.3)", GET, OCTETS(OK "Content-Length: 5\r\nContent-Length: 6\r\n\r\n"),
     502, 0, 0},
    {"list of lengths (6.3)", GET, OCTETS(OK "Content-Length: 5, 5\r\n\r\n"), 502, 0, 0},
    {"bad length (6.3)", GET, OCTETS(OK "Content-Length: 5x\r\n\r\n"), 502, 0, 0},
    {"length of 2^63 (6.3)", GET, OCTETS(OK "Content-Length: 9223372036854775808\r\n\r\n"), 502, 0,
     0},
    {"chunked in 1.0 (6.1)", GET, OCTETS("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
     502, 0, 0},
    {"chunked not last (6.3)", GET, OCTETS(OK "Transfer-Encoding: chunked, gzip\r\n\r\n"), 502, 0,
     0},
    {"another coding (6.1)", GET, OCTETS(OK "Transfer-Encoding: gzip, chunked\r\n\r\n"), 502, 0, 0},
    {"empty coding", GET, OCTETS(OK "Transfer-Encoding:\r\n\r\n"), 502, 0, 0},
    {"both framings in an error", GET,
     OCTETS("HTTP/1.1 500 x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"), 502, 0,
     0},
};

static void check_framing(const void *at)
{
    const struct framing_row *row = at;
    struct http_response response;

    unsigned status = read_status(row->request, row->head, &response);
    if (!check_number("status", status, row->status) || status != 0)
        return;
    check_number("framing", response.framing, row->framing);
    if (row->framing == HTTP_FRAMING_LENGTH)
        check(response.length == row->length, "length %llu", response.length);
}

/* ---- connection (9.3, 0:7.6.1) ---- */

#define LENGTH "Content-Length: 0\r\n"

static const struct connection_row {
    const char *name, *request;
    struct slice head;
    bool keep_alive, nominates, has_date;
} connection_rows[] = {
    {"1.1 persists (9.3)", GET, OCTETS(OK LENGTH "\r\n"), .keep_alive = true},
    {"chunked persists", GET, OCTETS(OK "Transfer-Encoding: chunked\r\n\r\n"), .keep_alive = true},
    {"1.2 persists", GET, OCTETS("HTTP/1.2 200 OK\r\n" LENGTH "\r\n"), .keep_alive = true},
    {"close (9.6)", GET, OCTETS(OK LENGTH "Connection: close\r\n\r\n"), .keep_alive = false},
    {"close in capitals among others", GET, OCTETS(OK LENGTH "Connection: X-A, CLOSE\r\n\r\n"),
     .nominates = true},
    {"close wins", GET, OCTETS(OK LENGTH "Connection: close, keep-alive\r\n\r\n"),
     .keep_alive = false},
    {"close in a second field", GET,
     OCTETS(OK LENGTH "Connection: keep-alive\r\nConnection: close\r\n\r\n"), .keep_alive = false},
    {"delimited by close", GET, OCTETS(OK "Connection: keep-alive\r\n\r\n"), .keep_alive = false},
    {"no content needs no length", GET, OCTETS("HTTP/1.1 204 x\r\n\r\n"), .keep_alive = true},
    {"HEAD needs no length", HEAD, OCTETS(OK "\r\n"), .keep_alive = true},
    {"1.0 does not persist (9.3)", GET, OCTETS("HTTP/1.0 200 OK\r\n" LENGTH "\r\n"),
     .keep_alive = false},
    {"1.0 and keep-alive (9.3)", GET,
     OCTETS("HTTP/1.0 200 OK\r\n" LENGTH "Connection: Keep-Alive\r\n\r\n"), .keep_alive = true},
    {"1.0, keep-alive and no length", GET,
     OCTETS("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n"), .keep_alive = false},
    {"names a field (0:7.6.1)", GET, OCTETS(OK LENGTH "Connection: X-A\r\n\r\n"),
     .keep_alive = true, .nominates = true},
    {"names a field of one letter", GET, OCTETS(OK LENGTH "Connection: X\r\n\r\n"),
     .keep_alive = true, .nominates = true},
    {"options only", GET, OCTETS(OK LENGTH "Connection: keep-alive, upgrade, ,\r\n\r\n"),
     .keep_alive = true},
    {"Date (0:6.6.1)", GET, OCTETS(OK LENGTH "date: x\r\n\r\n"), .keep_alive = true,
     .has_date = true},
};

static void check_connection(const void *at)
{
    const struct connection_row *row = at;
    struct http_response response;

    check_number("status", read_status(row->request, row->head, &response), 0);
    check_number("keep-alive", response.keep_alive, row->keep_alive);
    check_number("nominates", response.nominations.count > 0, row->nominates);
    check_number("has a date", response.has_date, row->has_date);
}

/* ---- 1xx and 101 (0:15.2, 0:7.8) ---- */

#define SWITCHING "HTTP/1.1 101 Switching Protocols\r\n"

static const struct interim_row {
    const char *name, *request;
    struct slice head;
    unsigned status;
    bool is_interim, is_upgrade;
} interim_rows[] = {
    {"100", GET, OCTETS("HTTP/1.1 100 Continue\r\n\r\n"), 0, true, false},
    {"103", GET, OCTETS("HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n"), 0, true, false},
    {"199", GET, OCTETS("HTTP/1.1 199 x\r\n\r\n"), 0, true, false},
    {"200 is final", GET, OCTETS(OK "\r\n"), 0, false, false},
    {"426 is final", UPGRADE, OCTETS("HTTP/1.1 426 x\r\nUpgrade: websocket\r\n\r\n"), 0, false,
     false},
    {"101 as asked", UPGRADE, OCTETS(SWITCHING "Upgrade: websocket\r\n\r\n"), 0, false, true},
    {"101 in another case", UPGRADE,
     OCTETS(SWITCHING "Connection: Upgrade\r\nupgrade: WebSocket\r\n\r\n"), 0, false, true},
    {"101 to the second protocol", UPGRADE, OCTETS(SWITCHING "Upgrade: foo/2\r\n\r\n"), 0, false,
     true},
    {"101 to both", UPGRADE, OCTETS(SWITCHING "Upgrade: foo/2, websocket\r\n\r\n"), 0, false, true},
    {"101 unasked", GET, OCTETS(SWITCHING "Upgrade: websocket\r\n\r\n"), 502, false, false},
    {"101 to another protocol", UPGRADE, OCTETS(SWITCHING "Upgrade: bar\r\n\r\n"), 502, false,
     false},
    {"101 to another version", UPGRADE, OCTETS(SWITCHING "Upgrade: foo/3\r\n\r\n"), 502, false,
     false},
    {"101 to one that was offered and one that was not", UPGRADE,
     OCTETS(SWITCHING "Upgrade: websocket, bar\r\n\r\n"), 502, false, false},
    {"101 to a second one in its own field", UPGRADE,
     OCTETS(SWITCHING "Upgrade: websocket\r\nUpgrade: bar\r\n\r\n"), 502, false, false},
    {"101 to nothing", UPGRADE, OCTETS(SWITCHING "\r\n"), 502, false, false},
    {"101 to an empty protocol", UPGRADE, OCTETS(SWITCHING "Upgrade:\r\n\r\n"), 502, false, false},
    {"101 to h2c", "GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: h2c, foo\r\n\r\n",
     OCTETS(SWITCHING "Upgrade: h2c\r\n\r\n"), 502, false, false},
    {"101 to a request of 1.0",
     "GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
     OCTETS(SWITCHING "Upgrade: websocket\r\n\r\n"), 502, false, false},
    {"101 to an offer that Connection did not name",
     "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\r\n",
     OCTETS(SWITCHING "Upgrade: websocket\r\n\r\n"), 502, false, false},
};

static void check_interim(const void *at)
{
    const struct interim_row *row = at;
    struct http_response response;

    unsigned status = read_status(row->request, row->head, &response);
    if (!check_number("status", status, row->status) || status != 0)
        return;
    check_number("interim", response.is_interim, row->is_interim);
    check_number("upgrade", response.is_upgrade, row->is_upgrade);
    if (row->is_upgrade)
        check(!response.keep_alive, "a tunnel takes no other request");
}

static void test_most_nominations(void)
{
    struct http_response response;
    const char *names = distinct_names(HTTP_NOMINATIONS_MAX);

    const char *head = text_of(OK "Connection: %s\r\n\r\n", names);
    check_number("64 names", read_status(GET, slice_of(head), &response), 0);
    head = text_of(OK "Connection: b\r\nConnection: %s\r\n\r\n", names);
    check_number("65 names", read_status(GET, slice_of(head), &response), 502);
}

static void test_status_line(void)
{
    struct http_response response;

    check_number(
        "status",
        read_status(GET, (struct slice)OCTETS("HTTP/1.3 404 Not  Found \r\n\r\n"), &response), 0);
    check_number("status code", response.status, 404);
    check_number("minor", response.minor, 1);
    check_octets("reason", response.reason, slice_of("Not  Found "));
    check_number("status", read_status(GET, slice_of("HTTP/1.0 200\r\n\r\n"), &response), 0);
    check_number("minor", response.minor, 0);
    check_number("no reason", response.reason.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROWS(framing_rows, check_framing),
        ROWS(connection_rows, check_connection),
        ROWS(interim_rows, check_interim),
        TEST(test_most_nominations),
        TEST(test_status_line),
    };

    return cmocka_run_group_tests_name("http_response", tests, NULL, NULL);
}
