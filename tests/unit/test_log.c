/* Tests of log: what a message looks like, and that each line is one write. */
#include "log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "support.h"

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

static void test_output(void)
{
    struct slice line_in = OCTETS("a \x01 line\n");
    const char *line;

    log_init(LEVEL_ERROR);
    CAPTURED(STDOUT_FILENO, log_write_output(line_in));
    check_text("output", line, "a \x01 line\n");
    check(!log_output_is_journal(), "the journal");
    CAPTURED(STDOUT_FILENO, set_journal(STDOUT_FILENO));
    check(log_output_is_journal(), "not the journal");
}

/* ---- journald: it wants priorities, and has its own time stamps ---- */

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
        ROWS(level_rows, check_level),
        TEST(test_errno_stays),
        TEST(test_long_message),
        TEST(test_limited),
        TEST(test_output),
        TEST(test_journal_messages),
        TEST(test_journal_of_another_stream),
    };

    return cmocka_run_group_tests_name("log", tests, forget_journal, NULL);
}
