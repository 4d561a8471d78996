/* Tests of unit: durations, sizes and counts as people write them. */
#include <limits.h>

#include "support.h"
#include "unit.h"

#define MAX LLONG_MAX

struct parse_row {
    const char *name, *text;
    bool valid;
    long long number;
};

static const struct parse_row duration_rows[] = {
    {"milliseconds", "500ms", true, 500},
    {"seconds", "10s", true, 10000},
    {"minutes", "2m", true, 120000},
    {"hours", "1h", true, 3600000},
    {"zero", "0s", true, 0},
    {"leading zeros", "007ms", true, 7},
    {"the most milliseconds", "9223372036854775807ms", true, MAX},
    {"one more", "9223372036854775808ms", false, 0},
    {"the most seconds", "9223372036854775s", true, 9223372036854775000},
    {"one more second", "9223372036854776s", false, 0},
    {"the most hours", "2562047788015h", true, 2562047788015 * 3600000},
    {"one more hour", "2562047788016h", false, 0},
    {"more digits than any number", "99999999999999999999999999s", false, 0},
    {"no unit", "10", false, 0},
    {"no unit, zero", "0", false, 0},
    {"no number", "s", false, 0},
    {"empty", "", false, 0},
    {"space between", "10 s", false, 0},
    {"space before", " 10s", false, 0},
    {"space behind", "10s ", false, 0},
    {"capital", "10S", false, 0},
    {"word", "10sec", false, 0},
    {"two of them", "1m30s", false, 0},
    {"days", "1d", false, 0},
    {"microseconds", "1us", false, 0},
    {"a size", "10K", false, 0},
    {"minus", "-1s", false, 0},
    {"plus", "+1s", false, 0},
    {"fraction", "1.5s", false, 0},
    {"unlimited", "unlimited", false, 0},
};

static const struct parse_row size_rows[] = {
    {"bytes", "100B", true, 100},
    {"KiB", "64K", true, 65536},
    {"MiB", "10M", true, 10485760},
    {"GiB", "1G", true, 1073741824},
    {"zero", "0B", true, 0},
    {"the most bytes", "9223372036854775807B", true, MAX},
    {"one more", "9223372036854775808B", false, 0},
    {"the most GiB", "8589934591G", true, 8589934591 * (1LL << 30)},
    {"one more GiB wraps", "8589934592G", false, 0},
    {"no unit", "100", false, 0},
    {"no number", "K", false, 0},
    {"empty", "", false, 0},
    {"lower case", "64k", false, 0},
    {"two letters", "64KB", false, 0},
    {"three letters", "64KiB", false, 0},
    {"a duration", "64s", false, 0},
    {"minus", "-1K", false, 0},
    {"hexadecimal", "0x10K", false, 0},
};

static const struct parse_row count_rows[] = {
    {"count", "512", true, 512},
    {"zero", "0", true, 0},
    {"the most", "9223372036854775807", true, MAX},
    {"one more", "9223372036854775808", false, 0},
    {"empty", "", false, 0},
    {"a size", "512B", false, 0},
    {"a duration", "512s", false, 0},
    {"minus", "-1", false, 0},
    {"plus", "+1", false, 0},
    {"space", "5 12", false, 0},
    {"comma", "1,000", false, 0},
    {"exponent", "1e3", false, 0},
};

static void check_parse(const struct parse_row *row, bool (*parse)(const char *, long long *))
{
    long long number = -77;

    check_number("valid", parse(row->text, &number), row->valid);
    if (row->valid)
        check_number("number", number, row->number);
}

static void check_duration(const void *row)
{
    check_parse(row, unit_parse_duration);
}

static void check_size(const void *row)
{
    check_parse(row, unit_parse_size);
}

static void check_count(const void *row)
{
    check_parse(row, unit_parse_count);
}

static const struct format_row {
    const char *name;
    long long number;
    const char *duration, *size;
} format_rows[] = {
    {"one", 1, "1ms", "1B"},
    {"below the second unit", 999, "999ms", "999B"},
    {"a second", 1000, "1s", "1000B"},
    {"a KiB", 1024, "1024ms", "1K"},
    {"no whole seconds", 1500, "1500ms", "1500B"},
    {"90 seconds", 90000, "90s", "90000B"},
    {"a minute", 60000, "1m", "60000B"},
    {"90 minutes", 5400000, "90m", "5400000B"},
    {"an hour", 3600000, "1h", "3600000B"},
    {"a day", 86400000, "24h", "84375K"},
    {"a MiB", 1048576, "1048576ms", "1M"},
    {"64 KiB", 65536, "65536ms", "64K"},
    {"a GiB", 1073741824, "1073741824ms", "1G"},
    {"the most", MAX, "9223372036854775807ms", "9223372036854775807B"},
};

static void check_format(const void *at)
{
    const struct format_row *row = at;
    char text[UNIT_TEXT_BYTES];

    unit_format_duration(row->number, text);
    check_text("duration", text, row->duration);
    unit_format_size(row->number, text);
    check_text("size", text, row->size);
    unit_format_count(row->number, text);
    check_text("count", text, text_of("%lld", row->number));
}

static void check_round_trip(long long number)
{
    char text[UNIT_TEXT_BYTES];
    long long again = -1;

    unit_format_duration(number, text);
    check(unit_parse_duration(text, &again) && again == number, "%lld became %s", number, text);
    unit_format_size(number, text);
    check(unit_parse_size(text, &again) && again == number, "%lld became %s", number, text);
    unit_format_count(number, text);
    check(unit_parse_count(text, &again) && again == number, "%lld became %s", number, text);
}

static void test_what_is_written_reads_back(void)
{
    for (long long number = 0; number < 100000; number += 7)
        check_round_trip(number);
    for (long long number = 1; number < MAX / 3; number *= 3)
        check_round_trip(number);
    check_round_trip(MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROWS(duration_rows, check_duration),   ROWS(size_rows, check_size),
        ROWS(count_rows, check_count),         ROWS(format_rows, check_format),
        TEST(test_what_is_written_reads_back),
    };

    return cmocka_run_group_tests_name("unit", tests, NULL, NULL);
}
