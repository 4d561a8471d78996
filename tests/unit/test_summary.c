/* Tests of summary: the line, and how long a bridge has been up. */
#include "summary.h"

#include "support.h"

static const struct span_row {
    const char *name;
    long long up_ms;
    const char *expected;
} span_rows[] = {
    {"just started", 0, "up 0s, "},
    {"less than a second", 999, "up 0s, "},
    {"seconds", 59999, "up 59s, "},
    {"a minute", 60000, "up 1m 0s, "},
    {"an hour", 3600000, "up 1h 0m 0s, "},
    {"a second less", 3599000, "up 59m 59s, "},
    {"a day", 86400000, "up 1d 0h 0m 0s, "},
    {"all units", 273906789, "up 3d 4h 5m 6s, "},
    {"years", 86400000LL * 4000, "up 4000d 0h 0m 0s, "},
};

static const char *line_of(const struct summary_facts *facts,
                           const struct scoreboard_snapshot *snapshot)
{
    struct buffer *out = new_buffer(SUMMARY_BYTES_MAX);

    summary_add(facts, snapshot, out);
    check(!out->overflowed, "no room");
    return text_of("%.*s", (int)buffer_length(out), out->at);
}

static void check_span(const void *at)
{
    const struct span_row *row = at;
    const struct summary_facts facts = {.up_ms = row->up_ms};
    const struct scoreboard_snapshot snapshot = {0};

    check_text("line", line_of(&facts, &snapshot),
               text_of("%s0 of 0 connections (0 idle), 0 accepted, 0 requests, 0 errors, "
                       "0 reloads, 0 crashed children",
                       row->expected));
}

static void test_line(void)
{
    const struct summary_facts facts = {61000, 12, 512, 3400, 2, 1, 0, 0};
    struct scoreboard_snapshot snapshot = {0};

    snapshot.children[SCOREBOARD_IDLE] = 3;
    snapshot.counts.requests[0][2] = 100;
    snapshot.counts.requests[SCOREBOARD_METHODS - 1][5] = 7;
    snapshot.counts.causes[0] = 4;
    snapshot.counts.causes[SCOREBOARD_CAUSES - 1] = 5;
    check_text("line", line_of(&facts, &snapshot),
               "up 1m 1s, 12 of 512 connections (3 idle), 3400 accepted, 107 requests, 9 errors, "
               "2 reloads, 1 crashed children");
}

static void test_largest(void)
{
    const unsigned long long most = 0xFFFFFFFFFFFFFFFFull;
    const struct summary_facts facts = {
        0x7FFFFFFFFFFFFFFF, (size_t)most, 0x7FFFFFFFFFFFFFFF, most, most, most,
        (size_t)most,       (size_t)most};
    struct scoreboard_snapshot snapshot = {0};

    snapshot.children[SCOREBOARD_IDLE] = most;
    snapshot.counts.requests[0][2] = most;
    snapshot.counts.causes[0] = most;
    check_has("line", line_of(&facts, &snapshot), "18446744073709551615 crashed children");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROWS(span_rows, check_span),
        TEST(test_line),
        TEST(test_largest),
    };

    return cmocka_run_group_tests_name("summary", tests, NULL, NULL);
}
