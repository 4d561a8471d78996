/* Tests of access_log: what a line looks like in each format, and that each is one write. */
#include "access_log.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "support.h"

/* ---- text ---- */

static const struct access_exchange usual = {
    .client = "127.0.0.1:50000",
    .client_host = "127.0.0.1",
    .client_port = 50000,
    .method = OCTETS("GET"),
    .target = OCTETS("/a?b=c"),
    .minor = 1,
    .status = 200,
    .bytes_in = 0,
    .bytes_out = 1234,
    .total_us = 12345,
    .upstream_us = 9876,
    .request_id = "0123456789abcdef0123456789abcdef",
};

/* The line behind its time stamp. */
static const char *log_line(const struct access_exchange *exchange)
{
    const char *line;
    struct tm utc;

    log_init(LEVEL_INFO);
    CAPTURED(STDOUT_FILENO, access_log_write(exchange, FORMAT_TEXT, true));
    assert_non_null(line);
    const char *end = strptime(line, "%Y-%m-%dT%H:%M:%S", &utc);
    check(end != NULL && end[0] == '.' && end[4] == 'Z' && end[5] == ' ', "no time stamp: %s",
          line);
    return line + CLOCK_STAMP_BYTES;
}

#define ID "id=0123456789abcdef0123456789abcdef"

static void test_usual_line(void)
{
    check_text("line", log_line(&usual),
               "127.0.0.1:50000 \"GET /a?b=c HTTP/1.1\" 200 in=0 out=1234 total=12.3ms "
               "upstream=9.8ms " ID "\n");
}

static void test_other_lines(void)
{
    struct access_exchange exchange = usual;

    exchange.minor = 0;
    exchange.error = "connection_refused";
    exchange.upstream_us = -1;
    exchange.status = 502;
    exchange.total_us = 999;
    check_text(
        "error", log_line(&exchange),
        "127.0.0.1:50000 \"GET /a?b=c HTTP/1.0\" 502 in=0 out=1234 total=0.9ms upstream=- " ID
        " error=connection_refused\n");
    exchange = usual;
    exchange.total_us = 100;
    exchange.upstream_us = 0;
    check_has("short times", log_line(&exchange), " total=0.1ms upstream=0.0ms ");
    exchange = usual;
    exchange.status = 0;
    exchange.method = (struct slice){NULL, 0};
    exchange.target = (struct slice){NULL, 0};
    exchange.bytes_in = exchange.bytes_out = 0xFFFFFFFFFFFFFFFFull;
    exchange.total_us = exchange.upstream_us = 3600000000;
    check_text("no request, no answer", log_line(&exchange),
               "127.0.0.1:50000 \"-\" - in=18446744073709551615 out=18446744073709551615 "
               "total=3600000.0ms upstream=3600000.0ms " ID "\n");
}

static const struct escape_row {
    const char *name;
    struct slice target;
    const char *logged;
} escape_rows[] = {
    {"plain", OCTETS("/a/b?c=d&e=%20#"), "/a/b?c=d&e=%20#"},
    {"all that is plain", OCTETS("!#$%&'()*+,-./09:;<=>?@AZ[]^_`az{|}~"),
     "!#$%&'()*+,-./09:;<=>?@AZ[]^_`az{|}~"},
    {"space", OCTETS("/a b"), "/a\\x20b"},
    {"quotation mark", OCTETS("/\""), "/\\x22"},
    {"backslash", OCTETS("/\\x20"), "/\\x5Cx20"},
    {"LF", OCTETS("/\n"), "/\\x0A"},
    {"CR", OCTETS("/\r"), "/\\x0D"},
    {"tab", OCTETS("/\t"), "/\\x09"},
    {"NUL", OCTETS("/\0a"), "/\\x00a"},
    {"ESC", OCTETS("/\x1B[2J"), "/\\x1B[2J"},
    {"DEL", OCTETS("/\x7F"), "/\\x7F"},
    {"obs-text", OCTETS("/\x80\xC3\xA4\xFF"), "/\\x80\\xC3\\xA4\\xFF"},
    {"percent signs", OCTETS("/%s%n%d"), "/%s%n%d"},
    {"a line of its own", OCTETS("/\" 200\n127.0.0.1 \"GET /"),
     "/\\x22\\x20200\\x0A127.0.0.1\\x20\\x22GET\\x20/"},
};

static void check_escape(const void *at)
{
    const struct escape_row *row = at;
    struct access_exchange exchange = usual;

    exchange.target = guarded(row->target);
    check_has("target", log_line(&exchange), text_of("\"GET %s HTTP/1.1\" ", row->logged));
    exchange = usual;
    exchange.method = guarded(row->target);
    check_has("method", log_line(&exchange), text_of(" \"%s /a?b=c HTTP/1.1\" ", row->logged));
}

static const struct length_row {
    const char *name;
    size_t plain, escaped; /* octets of each kind */
    bool whole;
} length_rows[] = {
    {"2900 octets", 2900, 0, true},
    {"700 octets that are escaped", 0, 700, true},
    {"3001 octets", 3001, 0, false},
    {"16 KiB", 16384, 0, false},
    {"64 KiB that is escaped", 0, 65536, false},
    {"the limit between escapes", 2998, 10, false},
    {"the limit within an escape", 2997, 10, false},
    {"the limit behind an escape", 2996, 10, false},
};

/* Between the quotation marks stands what there is room for, and where it was cut, "...". */
static void check_length(const void *at)
{
    const struct length_row *row = at;
    struct buffer *target = new_buffer(row->plain + row->escaped);
    struct access_exchange exchange = usual;

    buffer_add_text(target, letters(row->plain));
    for (size_t i = 0; i < row->escaped; i++)
        buffer_add_text(target, "\"");
    exchange.target = buffer_content(target);
    const char *line = log_line(&exchange);
    const char *begin = strstr(line, "\"GET ") + strlen("\"GET ");
    size_t len = (size_t)(strstr(begin, " HTTP/1.1\" 200 ") - begin);
    check(len <= ACCESS_TARGET_BYTES_MAX, "%zu octets", len);
    check(len >= 2800, "only %zu octets", len);
    check_number("cut", memcmp(begin + len - 3, "...", 3) == 0, !row->whole);
    check_has("end", line, " " ID "\n");
}

static void test_longest_line(void)
{
    struct access_exchange exchange = usual;
    struct slice quotes = with_octet("????????????????????????????????", '"');

    exchange.client = letters(ADDRESS_TEXT_BYTES - 1);
    exchange.method = quotes;
    exchange.target = slice_of(letters(100000));
    exchange.bytes_in = exchange.bytes_out = 0xFFFFFFFFFFFFFFFFull;
    exchange.total_us = exchange.upstream_us = 0x7FFFFFFFFFFFFFFF;
    exchange.error = "http_response_incomplete";
    check_has("end", log_line(&exchange), " " ID " error=http_response_incomplete\n");
}

/* ---- combined ---- */

#define FIELDS(lines) OCTETS("Host: h\r\nAuthorization: a-secret\r\nCookie: a-secret\r\n" lines)

static const char *format_line(const struct access_exchange *exchange, enum config_format format,
                               bool with_query)
{
    const char *line;

    log_init(LEVEL_INFO);
    CAPTURED(STDOUT_FILENO, access_log_write(exchange, format, with_query));
    assert_non_null(line);
    check_lacks("line", line, "a-secret");
    return line;
}

/* The line with "[NOW]" for its date, which must be one. */
static const char *combined_line(const struct access_exchange *exchange, bool with_query)
{
    const char *line = format_line(exchange, FORMAT_COMBINED, with_query);
    struct tm utc;

    const char *date = strchr(line, '[');
    assert_non_null(date);
    const char *end = strptime(date, "[%d/%b/%Y:%H:%M:%S +0000]", &utc);
    assert_non_null(end);
    return text_of("%.*s[NOW]%s", (int)(date - line), line, end);
}

static struct access_exchange with_fields(struct slice fields)
{
    struct access_exchange exchange = usual;

    exchange.fields = guarded(fields);
    return exchange;
}

/* What Apache 2.4 wrote for the same. */
static const struct combined_row {
    const char *name;
    struct slice target, fields;
    bool with_query;
    const char *line;
} combined_rows[] = {
    {"neither field", OCTETS("/a?b=c"), FIELDS(""), true,
     "127.0.0.1 - - [NOW] \"GET /a?b=c HTTP/1.1\" 200 1234 \"-\" \"-\"\n"},
    {"both fields", OCTETS("/a"),
     FIELDS("Referer: http://a.example/?b=c\r\nUser-Agent: curl/7.88.1 (x; y)\r\n"), true,
     "127.0.0.1 - - [NOW] \"GET /a HTTP/1.1\" 200 1234 \"http://a.example/?b=c\" "
     "\"curl/7.88.1 (x; y)\"\n"},
    {"the first of two, in another case", OCTETS("/a"),
     FIELDS("REFERER:a\r\nreferer: b\r\nuser-agent:c\r\nUser-Agent: d\r\n"), true,
     "127.0.0.1 - - [NOW] \"GET /a HTTP/1.1\" 200 1234 \"a\" \"c\"\n"},
    {"empty fields", OCTETS("/a"), FIELDS("Referer: \r\nUser-Agent:\r\n"), true,
     "127.0.0.1 - - [NOW] \"GET /a HTTP/1.1\" 200 1234 \"\" \"\"\n"},
    {"octets that are escaped", OCTETS("/a\"b\\c\x01\x7F\x80\xFF"),
     FIELDS("Referer: a\t\"\\\x80"
            "b\r\nUser-Agent: \x1B[2J\r\n"),
     true,
     "127.0.0.1 - - [NOW] \"GET /a\\\"b\\\\c\\x01\\x7f\\x80\\xff HTTP/1.1\" 200 1234 "
     "\"a\\t\\\"\\\\\\x80b\" \"\\x1b[2J\"\n"},
    {"without queries", OCTETS("/a?b=c?d"),
     FIELDS("Referer: http://a.example/?b=c\r\nUser-Agent: what?\r\n"), false,
     "127.0.0.1 - - [NOW] \"GET /a HTTP/1.1\" 200 1234 \"http://a.example/\" \"what?\"\n"},
};

static void check_combined(const void *at)
{
    const struct combined_row *row = at;
    struct access_exchange exchange = with_fields(row->fields);

    exchange.target = row->target;
    check_text("line", combined_line(&exchange, row->with_query), row->line);
}

static void test_combined_without_much(void)
{
    struct access_exchange exchange = {
        .client = "unix:",
        .client_host = "unix:",
        .upstream_us = -1,
        .request_id = usual.request_id,
        .error = "client_gone",
    };

    check_text("line", combined_line(&exchange, true), "unix: - - [NOW] \"-\" - - \"-\" \"-\"\n");
}

/* ---- json ---- */

/* The line behind its time stamp. */
static const char *json_line(const struct access_exchange *exchange, bool with_query)
{
    const char *line = format_line(exchange, FORMAT_JSON, with_query);
    struct tm utc;

    const char *end = strptime(line, "{\"@timestamp\":\"%Y-%m-%dT%H:%M:%S", &utc);
    assert_non_null(end);
    check(end[0] == '.' && strncmp(end + 4, "Z\",", 3) == 0, "no time stamp: %s", line);
    return text_of("%s", end + 7);
}

#define JSON_CLIENT                                                                                \
    "\"client.address\":\"127.0.0.1\",\"client.ip\":\"127.0.0.1\",\"client.port\":50000,"
#define JSON_ID "\"http.request.id\":\"0123456789abcdef0123456789abcdef\","

static void test_json_usual(void)
{
    struct access_exchange exchange = with_fields(
        (struct slice)FIELDS("Referer: http://a.example/?b=c\r\nUser-Agent: \"a\"\r\n"));

    check_text("line", json_line(&exchange, true),
               JSON_CLIENT "\"http.request.method\":\"GET\",\"url.original\":\"/a?b=c\","
                           "\"http.version\":\"1.1\","
                           "\"http.request.referrer\":\"http://a.example/?b=c\","
                           "\"user_agent.original\":\"\\\"a\\\"\","
                           "\"http.request.body.bytes\":0," JSON_ID
                           "\"http.response.status_code\":200,\"http.response.body.bytes\":1234,"
                           "\"event.duration\":12345000,"
                           "\"authbridge.upstream.duration\":9876000}\n");
    const char *cut = json_line(&exchange, false);
    check_has("without queries", cut, "\"url.original\":\"/a\",");
    check_has("without queries", cut, "\"http.request.referrer\":\"http://a.example/\",");
}

static void test_json_without_much(void)
{
    struct access_exchange exchange = {
        .client = "unix:",
        .client_host = "unix:",
        .upstream_us = -1,
        .request_id = usual.request_id,
        .error = "client_gone",
    };

    check_text("line", json_line(&exchange, true),
               "\"client.address\":\"unix:\",\"http.request.body.bytes\":0," JSON_ID
               "\"http.response.body.bytes\":0,\"event.duration\":0,"
               "\"error.type\":\"client_gone\"}\n");
}

static void test_json_odd_octets(void)
{
    struct access_exchange exchange = usual;
    struct slice odd = OCTETS("/\0\x1B\"\\\x80\xC3\xA4\xED\xA0\x80\x7F");

    exchange.target = guarded(odd);
    check_has("target", json_line(&exchange, true),
              "\"url.original\":\"/\\u0000\\u001b\\\"\\\\\xEF\xBF\xBD\xC3\xA4");
}

/* ---- the longest, in each format ---- */

static void test_longest_of_each(void)
{
    static const enum config_format formats[] = {FORMAT_TEXT, FORMAT_JSON, FORMAT_COMBINED};
    static const char *const ends[] = {" error=http_response_incomplete\n",
                                       "\"error.type\":\"http_response_incomplete\"}\n", "...\"\n"};
    static const char octets[] = {'a', '"', '\x01', '\xFF'};
    struct access_exchange exchange = usual;

    exchange.client = exchange.client_host = letters(ADDRESS_TEXT_BYTES - 1);
    exchange.client_port = 65535;
    exchange.bytes_in = exchange.bytes_out = 0xFFFFFFFFFFFFFFFFull;
    exchange.total_us = exchange.upstream_us = 0x7FFFFFFFFFFFFFFF / 1000;
    exchange.error = "http_response_incomplete";
    for (size_t i = 0; i < COUNT_OF(octets); i++) {
        char *many = (char *)text_of("%s", letters(5000));
        memset(many, octets[i], 5000);
        exchange.method = exchange.target = (struct slice){many, 5000};
        exchange.fields = slice_of(text_of("Referer: %s\r\nUser-Agent: %s\r\n", many, many));
        for (size_t j = 0; j < COUNT_OF(formats); j++) {
            const char *line = format_line(&exchange, formats[j], true);
            check_has("end", line, ends[j]);
            check(strlen(line) <= 4096, "%zu octets", strlen(line));
        }
    }
}

/* ---- journald has its own time stamps ---- */

static void test_journal_access_line(void)
{
    const char *line;

    CAPTURED(STDOUT_FILENO, set_journal(STDOUT_FILENO);
             access_log_write(&usual, FORMAT_TEXT, true));
    assert_non_null(line);
    check(strncmp(line, "127.0.0.1:50000 \"GET ", 21) == 0, "a time stamp: %s", line);
}

static int forget_journal(void **state)
{
    (void)state;
    return unsetenv("JOURNAL_STREAM");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_usual_line),
        TEST(test_other_lines),
        ROWS(escape_rows, check_escape),
        ROWS(length_rows, check_length),
        TEST(test_longest_line),
        ROWS(combined_rows, check_combined),
        TEST(test_combined_without_much),
        TEST(test_json_usual),
        TEST(test_json_without_much),
        TEST(test_json_odd_octets),
        TEST(test_longest_of_each),
        TEST(test_journal_access_line),
    };

    return cmocka_run_group_tests_name("access_log", tests, forget_journal, NULL);
}
