/* Tests of slice: comparing, trimming and reading octets with a length. */
#include "support.h"

static const struct equality_row {
    const char *name;
    struct slice a, b;
    bool equals, equals_nocase;
} equality_rows[] = {
    {"both empty", OCTETS(""), OCTETS(""), true, true},
    {"empty without octets", {NULL, 0}, OCTETS(""), true, true},
    {"the same", OCTETS("Host"), OCTETS("Host"), true, true},
    {"other case", OCTETS("Host"), OCTETS("hOST"), false, true},
    {"all letters", OCTETS("abcdefghijklmnopqrstuvwxyz"), OCTETS("ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
     false, true},
    {"one is shorter", OCTETS("Hos"), OCTETS("Host"), false, false},
    {"one is empty", OCTETS(""), OCTETS("a"), false, false},
    {"the last differs", OCTETS("Hosu"), OCTETS("Host"), false, false},
    {"@ and ` are no letters", OCTETS("@"), OCTETS("`"), false, false},
    {"[ and { are no letters", OCTETS("["), OCTETS("{"), false, false},
    {"_ and DEL are no letters", OCTETS("_"), OCTETS("\x7F"), false, false},
    {"0x10 and 0x30 are no letters", OCTETS("\x10"), OCTETS("0"), false, false},
    {"Latin-1 letters are not folded", OCTETS("\xC4"), OCTETS("\xE4"), false, false},
    {"obs-text", OCTETS("\xC3\xA4"), OCTETS("\xC3\xA4"), true, true},
    {"the same up to NUL", OCTETS("a\0b"), OCTETS("a\0c"), false, false},
    {"NUL within", OCTETS("a\0b"), OCTETS("A\0B"), false, true},
};

static void check_equality(const void *at)
{
    const struct equality_row *row = at;
    struct slice a = guarded(row->a);
    struct slice b = guarded(row->b);

    check_number("equals", slice_equals(a, b), row->equals);
    check_number("equals the other way", slice_equals(b, a), row->equals);
    check_number("nocase", slice_equals_nocase(a, b), row->equals_nocase);
    check_number("nocase the other way", slice_equals_nocase(b, a), row->equals_nocase);
}

static const struct trim_row {
    const char *name;
    struct slice in, out;
} trim_rows[] = {
    {"empty", OCTETS(""), OCTETS("")},
    {"nothing to trim", OCTETS("a"), OCTETS("a")},
    {"both ends (OWS, RFC 9110 5.6.3)", OCTETS(" \t a b\t \t"), OCTETS("a b")},
    {"only white space", OCTETS(" \t \t"), OCTETS("")},
    {"one space", OCTETS(" "), OCTETS("")},
    {"inside stays", OCTETS("a \t b"), OCTETS("a \t b")},
    {"other white space stays", OCTETS("\v\f\r\na\r\n\f\v"), OCTETS("\v\f\r\na\r\n\f\v")},
    {"NUL stays", OCTETS("\0a\0"), OCTETS("\0a\0")},
    {"NBSP stays", OCTETS("\xA0"), OCTETS("\xA0")},
};

static void check_trim(const void *at)
{
    const struct trim_row *row = at;

    check_octets("trimmed", slice_trim(guarded(row->in)), row->out);
}

#define MAX_63 0x7FFFFFFFFFFFFFFFull
#define MAX_64 0xFFFFFFFFFFFFFFFFull

static const struct number_row {
    const char *name;
    struct slice in;
    unsigned long long max;
    bool valid;
    unsigned long long number;
} number_rows[] = {
    {"zero", OCTETS("0"), 9, true, 0},
    {"nought within a maximum of 0", OCTETS("0"), 0, true, 0},
    {"one over a maximum of 0", OCTETS("1"), 0, false, 0},
    {"the maximum", OCTETS("65535"), 65535, true, 65535},
    {"one over", OCTETS("65536"), 65535, false, 0},
    {"ten times over", OCTETS("655350"), 65535, false, 0},
    {"a digit over the maximum", OCTETS("9"), 8, false, 0},
    {"leading zeros", OCTETS("000000000000000000000000000007"), 7, true, 7},
    {"2^63 - 1", OCTETS("9223372036854775807"), MAX_63, true, MAX_63},
    {"2^63", OCTETS("9223372036854775808"), MAX_63, false, 0},
    {"2^64 - 1", OCTETS("18446744073709551615"), MAX_64, true, MAX_64},
    {"2^64", OCTETS("18446744073709551616"), MAX_64, false, 0},
    {"2^64 + 1 wraps to 1", OCTETS("18446744073709551617"), MAX_64, false, 0},
    {"far too long", OCTETS("99999999999999999999999999"), MAX_64, false, 0},
    {"empty", OCTETS(""), 9, false, 0},
    {"plus", OCTETS("+5"), 9, false, 0},
    {"minus", OCTETS("-5"), 9, false, 0},
    {"space before", OCTETS(" 5"), 9, false, 0},
    {"space behind", OCTETS("5 "), 9, false, 0},
    {"hexadecimal", OCTETS("0x5"), 9, false, 0},
    {"letter", OCTETS("5a"), 99, false, 0},
    {"point", OCTETS("5.0"), 99, false, 0},
    {"NUL behind", OCTETS("5\0"), 99, false, 0},
    {"the octet before 0", OCTETS("/"), 99, false, 0},
    {"the octet behind 9", OCTETS(":"), 99, false, 0},
    {"a digit of another script", OCTETS("\xD9\xA5"), 99, false, 0},
};

static void check_to_number(const void *at)
{
    const struct number_row *row = at;
    unsigned long long number = 77;

    check_number("valid", slice_to_number(guarded(row->in), row->max, &number), row->valid);
    check(number == (row->valid ? row->number : 77), "number: came %llu", number);
}

static void test_slice_of(void)
{
    check_octets("a text", slice_of("abc"), (struct slice)OCTETS("abc"));
    check_octets("no text", slice_of(""), (struct slice)OCTETS(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROWS(equality_rows, check_equality),
        ROWS(trim_rows, check_trim),
        ROWS(number_rows, check_to_number),
        TEST(test_slice_of),
    };

    return cmocka_run_group_tests_name("slice", tests, NULL, NULL);
}
