/* Tests of clock: the time that is left, time that does not go back, and the two date formats. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "support.h"

#define BIG  0x7FFFFFFFFFFFFFF0LL
#define YEAR (365LL * 86400)

static const struct left_row {
    const char *name;
    long long deadline, now;
    long long seconds, nanoseconds;
} left_rows[] = {
    {"half a second to come", 1500, 1000, 0, 500000000},
    {"a second to come", 2000, 1000, 1, 0},
    {"more than that", 3999, 1000, 2, 999000000},
    {"in one millisecond", 1001, 1000, 0, 1000000},
    {"now", 1000, 1000, 0, 0},
    {"passed", 999, 1000, 0, 0},
    {"long passed", 0, BIG, 0, 0},
    {"at once", 0, 1, 0, 0},
    {"just before never", CLOCK_NEVER - 1, CLOCK_NEVER - 2, 0, 1000000},
    {"a day", 86400000, 0, 86400, 0},
    {"longer than poll(2) could wait", 3000000001LL, 0, 3000000, 1000000},
};

static void check_left(const void *at)
{
    const struct left_row *row = at;
    struct timespec left = clock_timespec(row->deadline, row->now);

    check_number("seconds", left.tv_sec, row->seconds);
    check_number("nanoseconds", left.tv_nsec, row->nanoseconds);
}

/* ppoll(2) refuses what is no valid time. */
static const struct left_row never_rows[] = {
    {"never", CLOCK_NEVER, 0, 0, 0},
    {"never, from now on", CLOCK_NEVER, 1000, 0, 0},
    {"far away", BIG, 0, 0, 0},
};

static void check_never(const void *at)
{
    const struct left_row *row = at;
    struct timespec left = clock_timespec(row->deadline, row->now);

    check(left.tv_sec >= 2 * YEAR, "only %lld seconds", (long long)left.tv_sec);
    check(left.tv_nsec >= 0 && left.tv_nsec < 1000000000, "%ld nanoseconds", left.tv_nsec);
}

static void test_time_does_not_go_back(void)
{
    long long before_us = clock_now_us();
    long long before_ms = clock_now_ms();

    assert_true(before_us > 0);
    for (int i = 0; i < 10000; i++) {
        long long us = clock_now_us();
        long long ms = clock_now_ms();
        assert_true(us >= before_us && ms >= before_ms);
        before_us = us;
        before_ms = ms;
    }
}

static void test_both_units_agree(void)
{
    long long before = clock_now_us();
    long long ms = clock_now_ms();
    long long behind = clock_now_us();

    check(before / 1000 <= ms && ms <= behind / 1000, "%lld us, %lld ms, %lld us", before, ms,
          behind);
}

/* Whether that time is the present one. */
static void check_present(struct tm *utc, time_t before)
{
    time_t then = timegm(utc); /* fills in the week day anew */

    check(before <= then && then <= present_second(), "%lld is not now", (long long)then);
}

/* RFC 9110 5.6.7, IMF-fixdate */
static void test_date(void)
{
    char text[CLOCK_DATE_BYTES];
    char again[64] = "";
    struct tm utc = {0};
    time_t before = present_second();

    clock_format_date(text);
    strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &utc);
    check_present(&utc, before);
    strftime(again, sizeof again, "%a, %d %b %Y %H:%M:%S GMT", &utc);
    check_text("date", text, again);
}

static void test_stamp(void)
{
    char text[CLOCK_STAMP_BYTES];
    char again[64] = "";
    struct tm utc = {0};
    time_t before = present_second();

    clock_format_stamp(text);
    strptime(text, "%Y-%m-%dT%H:%M:%S", &utc);
    check_present(&utc, before);
    strftime(again, sizeof again, "%Y-%m-%dT%H:%M:%S", &utc);
    check_octets("seconds", (struct slice){text, 19}, slice_of(again));
    check(text[19] == '.' && strspn(text + 20, "0123456789") == 3 && strcmp(text + 23, "Z") == 0,
          "%s does not end in milliseconds and Z", text);
}

static void test_clf(void)
{
    static const long long ago_us[] = {0, 1, 999999, 1000000, 3600000000, 86400000000000};
    char text[CLOCK_CLF_BYTES];
    char again[64] = "";

    for (size_t i = 0; i < COUNT_OF(ago_us); i++) {
        struct tm utc = {0};
        time_t before = present_second();
        clock_format_clf(ago_us[i], text);
        strptime(text, "%d/%b/%Y:%H:%M:%S", &utc);
        time_t then = timegm(&utc);
        check(then >= before - ago_us[i] / 1000000 - 1 &&
                  then <= present_second() - ago_us[i] / 1000000,
              "%s is not %lld us ago", text, ago_us[i]);
        strftime(again, sizeof again, "%d/%b/%Y:%H:%M:%S +0000", &utc);
        check_text("time", text, again);
    }
}

/* The local zone must not show. */
static int set_zone(void **state)
{
    (void)state;
    setenv("TZ", "UTC-9", 1);
    tzset();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROWS(left_rows, check_left),
        ROWS(never_rows, check_never),
        TEST(test_time_does_not_go_back),
        TEST(test_both_units_agree),
        TEST(test_date),
        TEST(test_stamp),
        TEST(test_clf),
    };

    return cmocka_run_group_tests_name("clock", tests, set_zone, NULL);
}
