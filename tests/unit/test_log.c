/* Tests of log: what a message and an access line look like, and that each is one write. */
#include "log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "support.h"

/* ---- capturing ---- */

/* A descriptor that is a datagram socket for a while: each write is a datagram of its own. */
struct capture {
    int fd, saved, reader;
};

static struct capture capture_begin(int fd)
{
    struct capture capture = {.fd = fd};
    int sockets[2];

    fflush(stdout);
    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, sockets), 0);
    capture.saved = dup(fd);
    capture.reader = sockets[0];
    assert_true(capture.saved >= 0 && dup2(sockets[1], fd) == fd);
    close(sockets[1]);
    return capture;
}

/* Gives the descriptor back; the one thing that was written to it, NULL for nothing. */
static const char *capture_end(struct capture *capture)
{
    static char line[LOG_LINE_BYTES_MAX + 2];
    char more;

    dup2(capture->saved, capture->fd);
    close(capture->saved);
    ssize_t len = recv(capture->reader, line, sizeof line - 1, MSG_DONTWAIT);
    bool once = recv(capture->reader, &more, 1, MSG_DONTWAIT) <= 0;
    close(capture->reader);
    if (len <= 0)
        return NULL;
    line[len] = '\0';
    check(once, "more than one write");
    check_number("no NUL", strlen(line), len);
    check((size_t)len <= LOG_LINE_BYTES_MAX, "%zd bytes", len);
    check(strchr(line, '\n') == line + len - 1, "not one line: <%s>", line);
    return line;
}

/* ---- messages ---- */

static const struct level_row {
    const char *name;
    enum config_level shown;
    const char *error, *warning, *info, *debug; /* NULL: not written */
} level_rows[] = {
    {"error", LEVEL_ERROR, "authbridge: error: a 5\n", NULL, NULL, NULL},
    {"warning", LEVEL_WARNING, "authbridge: error: a 5\n", "authbridge: warning: a 5\n", NULL,
     NULL},
    {"info", LEVEL_INFO, "authbridge: error: a 5\n", "authbridge: warning: a 5\n",
     "authbridge: a 5\n", NULL},
    {"debug", LEVEL_DEBUG, "authbridge: error: a 5\n", "authbridge: warning: a 5\n",
     "authbridge: a 5\n", "authbridge: debug: a 5\n"},
};

#define CAPTURED(fd, call)                                                                         \
    do {                                                                                           \
        struct capture capture = capture_begin(fd);                                                \
        call;                                                                                      \
        line = capture_end(&capture);                                                              \
    } while (0)

static void check_level(const void *at)
{
    const struct level_row *row = at;
    const char *line;

    log_init(LEVEL_DEBUG);
    log_set_level(row->shown);
    CAPTURED(STDERR_FILENO, log_error("%s %d", "a", 5));
    check_text("error", line, row->error);
    CAPTURED(STDERR_FILENO, log_warning("%s %d", "a", 5));
    check_text("warning", line, row->warning);
    CAPTURED(STDERR_FILENO, log_info("%s %d", "a", 5));
    check_text("info", line, row->info);
    CAPTURED(STDERR_FILENO, log_debug("%s %d", "a", 5));
    check_text("debug", line, row->debug);
}

static void test_errno_stays(void)
{
    const char *line;
    int kept = 0;

    log_init(LEVEL_INFO);
    CAPTURED(STDERR_FILENO, errno = EMFILE; log_error("a"); kept = errno);
    check_text("message", line, "authbridge: error: a\n");
    check_number("errno", kept, EMFILE);
}

static void test_long_message(void)
{
    static const size_t lengths[] = {4000, 4070, 4071, 4072, 4073, 4074, 4075,
                                     4076, 4077, 4078, 4079, 4096, 5000, 100000};
    const char *line;

    log_init(LEVEL_INFO);
    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        CAPTURED(STDERR_FILENO, log_error("%s", letters(lengths[i])));
        check(line != NULL && strlen(line) >= 4000, "cut too short");
    }
    CAPTURED(STDERR_FILENO, log_error("%s", letters(4000)));
    check_text("message", line, text_of("authbridge: error: %s\n", letters(4000)));
}

static void test_limited(void)
{
    long long last_ms = 0;
    long long other_ms = 0;
    const char *line;

    log_init(LEVEL_INFO);
    CAPTURED(STDERR_FILENO, log_warning_limited(&last_ms, "a %d", 1));
    check_text("the first", line, "authbridge: warning: a 1\n");
    check(last_ms > 0, "its time is not noted");
    CAPTURED(STDERR_FILENO, log_warning_limited(&last_ms, "a %d", 2));
    check_text("within a second", line, NULL);
    CAPTURED(STDERR_FILENO, log_warning_limited(&other_ms, "b"));
    check_text("another counter", line, "authbridge: warning: b\n");
    last_ms = clock_now_ms() - 1000;
    CAPTURED(STDERR_FILENO, log_warning_limited(&last_ms, "a %d", 3));
    check_text("a second later", line, "authbridge: warning: a 3\n");
    log_set_level(LEVEL_ERROR);
    last_ms = 0;
    CAPTURED(STDERR_FILENO, log_warning_limited(&last_ms, "a"));
    check_text("not at this level", line, NULL);
}

/* ---- access lines ---- */

static const struct log_exchange usual = {
    .client = "127.0.0.1:50000",
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
static const char *log_line(const struct log_exchange *exchange)
{
    const char *line;
    struct tm utc;

    log_init(LEVEL_INFO);
    CAPTURED(STDOUT_FILENO, log_access(exchange));
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
    struct log_exchange exchange = usual;

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
    struct log_exchange exchange = usual;

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
    struct log_exchange exchange = usual;

    buffer_add_text(target, letters(row->plain));
    for (size_t i = 0; i < row->escaped; i++)
        buffer_add_text(target, "\"");
    exchange.target = buffer_content(target);
    const char *line = log_line(&exchange);
    const char *begin = strstr(line, "\"GET ") + strlen("\"GET ");
    size_t len = (size_t)(strstr(begin, " HTTP/1.1\" 200 ") - begin);
    check(len <= LOG_TARGET_BYTES_MAX, "%zu octets", len);
    check(len >= 2800, "only %zu octets", len);
    check_number("cut", memcmp(begin + len - 3, "...", 3) == 0, !row->whole);
    check_has("end", line, " " ID "\n");
}

static void test_longest_line(void)
{
    struct log_exchange exchange = usual;
    struct slice quotes = with_octet("????????????????????????????????", '"');

    exchange.client = letters(ADDRESS_TEXT_BYTES - 1);
    exchange.method = quotes;
    exchange.target = slice_of(letters(100000));
    exchange.bytes_in = exchange.bytes_out = 0xFFFFFFFFFFFFFFFFull;
    exchange.total_us = exchange.upstream_us = 0x7FFFFFFFFFFFFFFF;
    exchange.error = "http_response_incomplete";
    check_has("end", log_line(&exchange), " " ID " error=http_response_incomplete\n");
}

/* ---- journald: it wants priorities, and has its own time stamps ---- */

static void set_journal(int fd)
{
    struct stat status;

    assert_int_equal(fstat(fd, &status), 0);
    setenv(
        "JOURNAL_STREAM",
        text_of("%llu:%llu", (unsigned long long)status.st_dev, (unsigned long long)status.st_ino),
        1);
    log_init(LEVEL_DEBUG);
    unsetenv("JOURNAL_STREAM");
}

static void test_journal_messages(void)
{
    const char *line;

    CAPTURED(STDERR_FILENO, set_journal(STDERR_FILENO); log_error("a"));
    check_text("error", line, "<3>error: a\n");
    CAPTURED(STDERR_FILENO, set_journal(STDERR_FILENO); log_warning("a"));
    check_text("warning", line, "<4>warning: a\n");
    CAPTURED(STDERR_FILENO, set_journal(STDERR_FILENO); log_info("a"));
    check_text("info", line, "<6>a\n");
    CAPTURED(STDERR_FILENO, set_journal(STDERR_FILENO); log_debug("a"));
    check_text("debug", line, "<7>debug: a\n");
}

static void test_journal_access_line(void)
{
    const char *line;

    CAPTURED(STDOUT_FILENO, set_journal(STDOUT_FILENO); log_access(&usual));
    assert_non_null(line);
    check(strncmp(line, "127.0.0.1:50000 \"GET ", 21) == 0, "a time stamp: %s", line);
}

/* JOURNAL_STREAM is inherited by what runs below a unit: another stream is none of the journal's.
 */
static void test_journal_of_another_stream(void)
{
    static const char *const streams[] = {"", "1", "1:", ":1", "a:b", "0:0", "1:2"};
    const char *line;

    for (size_t i = 0; i < COUNT_OF(streams); i++) {
        setenv("JOURNAL_STREAM", streams[i], 1);
        CAPTURED(STDERR_FILENO, log_init(LEVEL_INFO); log_error("a"));
        check_text(streams[i], line, "authbridge: error: a\n");
    }
    unsetenv("JOURNAL_STREAM");
}

static int forget_journal(void **state)
{
    (void)state;
    return unsetenv("JOURNAL_STREAM");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROWS(level_rows, check_level),   TEST(test_errno_stays),
        TEST(test_long_message),         TEST(test_limited),
        TEST(test_usual_line),           TEST(test_other_lines),
        ROWS(escape_rows, check_escape), ROWS(length_rows, check_length),
        TEST(test_longest_line),         TEST(test_journal_messages),
        TEST(test_journal_access_line),  TEST(test_journal_of_another_stream),
    };

    return cmocka_run_group_tests_name("log", tests, forget_journal, NULL);
}
