/* Tests of reflect: several texts looked for at once, in pieces, compared with looking for each of
 * them at each place. */
#include <string.h>

#include "reflect.h"
#include "support.h"

static void free_reflect(void *reflect)
{
    reflect_free(reflect);
}

static struct reflect *looking_for(const struct slice *texts, size_t count)
{
    struct reflect *reflect = reflect_new(texts, count);

    assert_non_null(reflect);
    defer(free_reflect, reflect);
    return reflect;
}

/* ---- a table ---- */

#define TEXTS_MAX 4

static const struct find_row {
    const char *name, *texts[TEXTS_MAX], *octets;
    const char *found; /* "end:len " of each */
    size_t pending;    /* at the end */
} find_rows[] = {
    {"one", {"secret"}, "a secret here", "8:6 ", 0},
    {"none", {"secret"}, "a secre t", "", 0},
    {"no text", {NULL}, "a secret", "", 0},
    {"nothing", {"secret"}, "", "", 0},
    {"at the front", {"secret"}, "secret", "6:6 ", 0},
    {"a beginning at the end", {"secret"}, "a secr", "", 4},
    {"one octet at the end", {"secret"}, "a s", "", 1},
    {"begun twice", {"aab"}, "aaab", "4:3 ", 0},
    {"twice", {"ab"}, "abxab", "2:2 5:2 ", 0},
    {"over itself", {"aba"}, "ababa", "3:3 5:3 ", 1},
    {"one within another", {"abcd", "bc"}, "abcd abce", "3:2 4:4 8:2 ", 0},
    {"one in front of another", {"abc", "abcde"}, "abcde abcx", "3:3 5:5 9:3 ", 0},
    {"one behind another", {"abcd", "cdef"}, "abcdef", "4:4 6:4 ", 0},
    {"the same twice", {"ab", "ab"}, "ab", "2:2 ", 0},
    {"back to another's beginning", {"abcx", "bcy"}, "abcy", "4:3 ", 0},
    {"octets of any kind", {"\xFF\x01 "}, "a\xFF\xFF\x01 ", "5:3 ", 0},
    {"too short to be looked for", {"a", "bc"}, "abc", "3:2 ", 0},
    {"case counts", {"Secret"}, "secret SECRET", "", 0},
};

static size_t texts_of(const struct find_row *row, struct slice texts[TEXTS_MAX])
{
    size_t count = 0;

    while (count < TEXTS_MAX && row->texts[count] != NULL) {
        texts[count] = slice_of(row->texts[count]);
        count++;
    }
    return count;
}

/* Looks at the octets in pieces of that many. */
static void check_in_pieces(const struct reflect *reflect, const struct find_row *row, size_t piece)
{
    struct buffer *found = new_buffer(256);
    size_t len = strlen(row->octets);
    uint32_t state = 0;
    size_t end;
    size_t match;

    for (size_t at = 0; at < len; at += piece) {
        size_t size = len - at < piece ? len - at : piece;
        struct slice octets = guarded((struct slice){row->octets + at, size});
        size_t before = at;
        while (reflect_find(reflect, &state, octets, &end, &match)) {
            before += end;
            octets = (struct slice){octets.at + end, octets.len - end};
            buffer_add_decimal(found, before);
            buffer_add_text(found, ":");
            buffer_add_decimal(found, match);
            buffer_add_text(found, " ");
        }
    }
    check_octets(text_of("found in pieces of %zu", piece), buffer_content(found),
                 slice_of(row->found));
    check_number("pending", reflect_pending(reflect, state), row->pending);
}

static void check_find(const void *at)
{
    const struct find_row *row = at;
    struct slice texts[TEXTS_MAX];
    const struct reflect *reflect = looking_for(texts, texts_of(row, texts));

    for (size_t piece = 1; piece < 16; piece++)
        check_in_pieces(reflect, row, piece);
}

/* ---- compared with the plain way ---- */

static unsigned next_random(unsigned *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 16;
}

static struct slice random_text(unsigned *state, size_t len)
{
    char *text = (char *)text_of("%*s", (int)len, "");

    for (size_t i = 0; i < len; i++)
        text[i] = (char)('a' + next_random(state) % 2);
    return (struct slice){text, len};
}

/* The longest text that ends at end. */
static size_t longest_at(const struct slice *texts, size_t count, const char *octets, size_t end)
{
    size_t longest = 0;

    for (size_t i = 0; i < count; i++)
        if (texts[i].len <= end && texts[i].len > longest &&
            memcmp(octets + end - texts[i].len, texts[i].at, texts[i].len) == 0)
            longest = texts[i].len;
    return longest;
}

/* The longest end of the octets that a text goes on from. */
static size_t pending_at(const struct slice *texts, size_t count, const char *octets, size_t end)
{
    size_t longest = 0;

    for (size_t i = 0; i < count; i++)
        for (size_t len = 1; len < texts[i].len && len <= end; len++)
            if (len > longest && memcmp(octets + end - len, texts[i].at, len) == 0)
                longest = len;
    return longest;
}

static void test_as_the_plain_way(void)
{
    unsigned random = 5;

    for (unsigned round = 0; round < 400; round++) {
        struct slice texts[5];
        size_t count = 1 + next_random(&random) % COUNT_OF(texts);
        for (size_t i = 0; i < count; i++)
            texts[i] = random_text(&random, 2 + next_random(&random) % 7);
        struct reflect *reflect = reflect_new(texts, count);
        struct slice octets = random_text(&random, 120);
        uint32_t state = 0;
        for (size_t at = 0; at < octets.len; at++) {
            size_t end;
            size_t len = 0;
            reflect_find(reflect, &state, (struct slice){octets.at + at, 1}, &end, &len);
            check_number("found", len, longest_at(texts, count, octets.at, at + 1));
            if (!check_number("pending", reflect_pending(reflect, state),
                              pending_at(texts, count, octets.at, at + 1)))
                break;
        }
        reflect_free(reflect);
    }
}

static void test_limits(void)
{
    const struct slice long_text = {letters(LETTERS_MAX), LETTERS_MAX};
    struct slice many[40];

    for (size_t i = 0; i < COUNT_OF(many); i++)
        many[i] = long_text;
    check(reflect_new(many, COUNT_OF(many)) == NULL, "texts without end");
    struct reflect *reflect = looking_for(many, 2);
    check_number("pending", reflect_pending_max(reflect), LETTERS_MAX - 1);
    check_number("pending without texts", reflect_pending_max(looking_for(NULL, 0)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROWS(find_rows, check_find),
        TEST(test_as_the_plain_way),
        TEST(test_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
