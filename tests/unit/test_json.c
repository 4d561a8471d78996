/* Tests of json: texts of all kinds of octets, cut texts, numbers, and how values are joined. */
#include "json.h"

#include <limits.h>
#include <string.h>

#include "support.h"

#define FFFD "\xEF\xBF\xBD"

static const struct text_row {
    const char *name;
    struct slice text;
    const char *expected;
} text_rows[] = {
    {"nothing", OCTETS(""), "\"\""},
    {"plain", OCTETS("GET /a?b=c"), "\"GET /a?b=c\""},
    {"quotation mark and backslash", OCTETS("a\"b\\c"), "\"a\\\"b\\\\c\""},
    {"line ends and tabulator", OCTETS("\r\n\t"), "\"\\u000d\\u000a\\u0009\""},
    {"NUL", OCTETS("a\0b"), "\"a\\u0000b\""},
    {"DEL", OCTETS("\x7F"), "\"\\u007f\""},
    {"a control of C1", OCTETS("\xC2\x9B"), "\"\\u009b\""},
    {"no-break space is none", OCTETS("\xC2\xA0"), "\"\xC2\xA0\""},
    {"two octets", OCTETS("\xC3\xA9"), "\"\xC3\xA9\""},
    {"three octets", OCTETS("\xE2\x82\xAC"), "\"\xE2\x82\xAC\""},
    {"four octets", OCTETS("\xF0\x9F\x98\x80"), "\"\xF0\x9F\x98\x80\""},
    {"the last character", OCTETS("\xF4\x8F\xBF\xBF"), "\"\xF4\x8F\xBF\xBF\""},
    {"beyond the last character", OCTETS("\xF4\x90\x80\x80"), "\"" FFFD FFFD FFFD FFFD "\""},
    {"a surrogate", OCTETS("\xED\xA0\x80"), "\"" FFFD FFFD FFFD "\""},
    {"the last before surrogates", OCTETS("\xED\x9F\xBF"), "\"\xED\x9F\xBF\""},
    {"overlong in two", OCTETS("\xC0\x80"), "\"" FFFD FFFD "\""},
    {"overlong in three", OCTETS("\xE0\x80\xAF"), "\"" FFFD FFFD FFFD "\""},
    {"overlong in four", OCTETS("\xF0\x80\x80\xAF"), "\"" FFFD FFFD FFFD FFFD "\""},
    {"a lone continuation", OCTETS("a\x80z"), "\"a" FFFD "z\""},
    {"cut short at the end", OCTETS("a\xE2\x82"), "\"a" FFFD "\""},
    {"cut short before a letter", OCTETS("\xE2\x82z"), "\"" FFFD "z\""},
    {"cut short before a quotation mark", OCTETS("\xE2\""), "\"" FFFD "\\\"\""},
    {"octets of no character", OCTETS("\xFE\xFF"), "\"" FFFD FFFD "\""},
};

static void check_text_row(const void *row)
{
    const struct text_row *r = row;
    struct buffer *out = new_buffer(256);
    struct json json = {.out = out};

    json_add_text(&json, NULL, guarded(r->text));
    check_octets("string", buffer_content(out), slice_of(r->expected));
}

static const struct cut_row {
    const char *name;
    const char *text;
    size_t max;
    const char *expected;
} cut_rows[] = {
    {"fits with room", "abcde", 6, "\"abcde\""},
    {"fits exactly", "abcdef", 6, "\"abcdef\""},
    {"one too many", "abcdefg", 6, "\"abc...\""},
    {"only the mark fits", "abcd", 3, "\"...\""},
    {"an escape is not parted", "ab\"cdef", 6, "\"ab...\""},
    {"an escape that fits", "ab\"cd", 6, "\"ab\\\"cd\""},
    {"a character is not parted", "a\xE2\x82\xAC\xE2\x82\xAC", 6, "\"a...\""},
    {"a control is long", "a\x01z", 6, "\"a...\""},
};

static void check_cut_row(const void *row)
{
    const struct cut_row *r = row;
    struct buffer *out = new_buffer(256);
    struct json json = {.out = out};

    json_add_text_cut(&json, NULL, slice_of(r->text), r->max);
    check_octets("string", buffer_content(out), slice_of(r->expected));
}

static const struct decimal_row {
    const char *name;
    long long number;
    unsigned decimals;
    const char *expected;
} decimal_rows[] = {
    {"zero", 0, 3, "0.000"},
    {"below one", 5, 3, "0.005"},
    {"above one", 48213, 3, "48.213"},
    {"no decimals", 17, 0, "17"},
    {"negative", -1500, 3, "-1.500"},
    {"negative below one", -1, 2, "-0.01"},
    {"the largest", LLONG_MAX, 6, "9223372036854.775807"},
    {"the smallest", LLONG_MIN, 0, "-9223372036854775808"},
};

static void check_decimal_row(const void *row)
{
    const struct decimal_row *r = row;
    struct buffer *out = new_buffer(64);
    struct json json = {.out = out};

    json_add_decimal(&json, NULL, r->number, r->decimals);
    check_octets("number", buffer_content(out), slice_of(r->expected));
}

static void test_joins(void)
{
    struct buffer *out = new_buffer(512);
    struct json json = {.out = out};

    json_begin_object(&json, NULL);
    json_begin_array(&json, "empty");
    json_end_array(&json);
    json_begin_array(&json, "list");
    json_add_number(&json, NULL, 1);
    json_begin_object(&json, NULL);
    json_end_object(&json);
    json_begin_object(&json, NULL);
    json_add_bool(&json, "yes", true);
    json_add_bool(&json, "no", false);
    json_end_object(&json);
    json_end_array(&json);
    json_add_null(&json, "nothing");
    json_add_number(&json, "most", ULLONG_MAX);
    json_end_object(&json);
    check_octets("document", buffer_content(out),
                 slice_of("{\"empty\":[],\"list\":[1,{},{\"yes\":true,\"no\":false}],"
                          "\"nothing\":null,\"most\":18446744073709551615}"));
}

static void test_full_buffer(void)
{
    struct buffer *out = new_buffer(8);
    struct json json = {.out = out};

    json_add_text(&json, NULL, slice_of("longer than the buffer"));
    check(out->overflowed, "it does not say that something is missing");
    check(out->end <= out->cap, "it wrote behind the end");
    buffer_clear(out);
    json_add_text_cut(&json, NULL, slice_of("longer than the buffer"), 12);
    check(out->overflowed && out->end <= out->cap, "cut, it still does not fit");
    out->end = out->cap;
    json_add_text_cut(&json, NULL, slice_of("longer than that"), 3);
    check(out->end == out->cap, "it wrote into a full buffer");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROWS(text_rows, check_text_row),
        ROWS(cut_rows, check_cut_row),
        ROWS(decimal_rows, check_decimal_row),
        TEST(test_joins),
        TEST(test_full_buffer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
