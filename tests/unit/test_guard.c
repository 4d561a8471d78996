/* Tests of guard: which parts of a configuration are looked for, and in which forms. */
#include "guard.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

#define SECRET "q\"7/x\\9+~Zk?>\xE9"

static void free_guard(void *guard)
{
    guard_free(guard);
}

static struct guard *guard_of(const struct config_fields *fields)
{
    struct guard *guard = guard_new();

    assert_non_null(guard);
    defer(free_guard, guard);
    assert_true(guard_refresh(guard, fields));
    return guard;
}

static const struct config_fields *fields_of(const char *lines)
{
    return &config_of(text_of("[request-headers]\n%s\n", lines))->routes[0].request_fields;
}

/* The length of what is found in the octets, 0 for nothing. */
static size_t find(const struct guard *guard, struct slice octets)
{
    uint32_t state = 0;
    size_t end;
    size_t len;

    return reflect_find(guard_texts(guard), &state, octets, &end, &len) ? len : 0;
}

/* ---- which texts ---- */

static const struct text_row {
    const char *name, *lines, *octets;
    size_t found; /* of how many octets; 0: nothing */
} text_rows[] = {
    {"variable", "A = x ${env:UNIT_GUARD} y", "a " SECRET " b", sizeof SECRET - 1},
    {"in any field", "A = b\nC = ${env:UNIT_GUARD}", SECRET, sizeof SECRET - 1},
    {"in Authorization", "Authorization = Bearer ${env:UNIT_GUARD}", SECRET, sizeof SECRET - 1},
    {"a part of it", "A = ${env:UNIT_GUARD}", "q\"7/x\\9+~Zk?>", 0},
    {"literal", "A = abcdefghijk", "abcdefghijk", 0},
    {"literal credentials", "Authorization = Basic abcdefgh", "x abcdefgh y", 8},
    {"without their scheme", "authorization = Basic  abcdefgh", "Basic abcdefgi", 0},
    {"without a scheme", "Authorization = abcdefgh", "abcdefgh", 8},
    {"for a proxy", "Proxy-Authorization = Basic abcdefgh", "abcdefgh", 8},
    {"as CGI reads it", "Proxy_Authorization = Basic abcdefgh", "abcdefgh", 8},
    {"a scheme is no secret", "Authorization = LongScheme ${env:UNIT_GUARD}", "LongScheme", 0},
    {"eight characters", "A = ${env:UNIT_GUARD_8}", "12345678", 8},
    {"seven", "A = ${env:UNIT_GUARD_7}", "1234567", 0},
    {"what is made for each request", "A = ${request_id} ${client_ip}", "${request_id}", 0},
    {"removed", "Authorization =", "Authorization", 0},
    {"none", "", "anything", 0},
};

static void set_environment(void)
{
    setenv("UNIT_GUARD", SECRET, 1);
    setenv("UNIT_GUARD_8", "12345678", 1);
    setenv("UNIT_GUARD_7", "1234567", 1);
}

static void check_text_found(const void *at)
{
    const struct text_row *row = at;

    set_environment();
    check_number("found", find(guard_of(fields_of(row->lines)), slice_of(row->octets)), row->found);
}

static void test_left_out(void)
{
    set_environment();
    const struct config_fields *fields =
        fields_of("A = ${env:UNIT_GUARD_7}\nB = ${env:UNIT_GUARD_8}\nC = short\nD = ${request_id}\n"
                  "Authorization = Basic ${env:UNIT_GUARD_8}${env:UNIT_GUARD_7}");
    static const bool expected[] = {true, false, false, false, true};

    for (size_t i = 0; i < fields->count; i++)
        check_number(fields->items[i].name, guard_leaves_out(&fields->items[i]), expected[i]);
}

/* ---- in which forms ---- */

static const struct form_row {
    const char *name, *form;
} form_rows[] = {
    {"as it is", SECRET},
    {"JSON", "q\\\"7/x\\\\9+~Zk?>\xE9"},
    {"JSON, with solidus", "q\\\"7\\/x\\\\9+~Zk?>\xE9"},
    {"percent", "q%227%2Fx%5C9%2B~Zk%3F%3E%E9"},
    {"percent, small digits", "q%227%2fx%5c9%2b~Zk%3f%3e%e9"},
};

static void check_form(const void *at)
{
    const struct form_row *row = at;

    set_environment();
    const struct guard *guard = guard_of(fields_of("A = ${env:UNIT_GUARD}"));
    check_number("found", find(guard, slice_of(text_of("a%sb", row->form))), strlen(row->form));
}

/* Whatever stands around it in what is encoded: all characters that come of the secret alone. */
static void test_base64(void)
{
    const size_t len = strlen(SECRET);

    set_environment();
    const struct guard *guard = guard_of(fields_of("A = ${env:UNIT_GUARD}"));
    for (size_t before = 0; before < 7; before++) {
        for (size_t behind = 0; behind < 7; behind++) {
            const char *octets =
                text_of("%.*s" SECRET "%.*s", (int)before, "user:pw", (int)behind, "::::::");
            char coded[64];
            size_t from = (8 * before + 5) / 6;
            size_t to = 8 * (before + len) / 6;
            int size = EVP_EncodeBlock((unsigned char *)coded, (const unsigned char *)octets,
                                       (int)strlen(octets));
            struct slice all = {coded, (size_t)size};
            check_number("found", find(guard, all), to - from);
            for (size_t i = 0; i < all.len; i++)
                coded[i] = (char)(coded[i] == '+' ? '-' : coded[i] == '/' ? '_' : coded[i]);
            check_number("found, for URLs", find(guard, all), to - from);
        }
    }
}

/* A long secret is looked for as it is alone. */
static void test_long(void)
{
    const char *secret = text_of("%s%%\"", letters(GUARD_ENCODED_BYTES_MAX));

    setenv("UNIT_GUARD", secret, 1);
    const struct guard *guard = guard_of(fields_of("A = ${env:UNIT_GUARD}"));
    check_number("found", find(guard, slice_of(secret)), strlen(secret));
    check_number("percent",
                 find(guard, slice_of(text_of("%.*s%%25%%22", (int)strlen(secret) - 2, secret))),
                 0);
}

/* ---- over time ---- */

static void test_refresh(void)
{
    set_environment();
    struct guard *guard = guard_of(fields_of("A = ${env:UNIT_GUARD_8}"));
    const struct reflect *before = guard_texts(guard);

    assert_true(guard_refresh(guard, fields_of("B = x${env:UNIT_GUARD_8}")));
    check(guard_texts(guard) == before, "the same secrets were taken up anew");
    setenv("UNIT_GUARD_8", "87654321", 1);
    assert_true(guard_refresh(guard, fields_of("A = ${env:UNIT_GUARD_8}")));
    check_number("the new one", find(guard, slice_of("87654321")), 8);
    check_number("the old one", find(guard, slice_of("12345678")), 0);
    assert_true(guard_refresh(guard, fields_of("")));
    check_number("none", find(guard, slice_of("87654321")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROWS(text_rows, check_text_found),
        TEST(test_left_out),
        ROWS(form_rows, check_form),
        TEST(test_base64),
        TEST(test_long),
        TEST(test_refresh),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
