/* Tests of origin, mapping and location: URIs of a target as its client must see them, and back. */
#include <string.h>

#include "location.h"
#include "support.h"

/* The client calls the bridge http://127.0.0.1:8080, which calls the target https://t.example. */
static struct mapping mapping_of(const char *prefix, const char *base)
{
    return (struct mapping){
        .client = {.is_https = false, .authority = slice_of("127.0.0.1:8080")},
        .target = {.is_https = true, .authority = slice_of("t.example")},
        .address = {.is_https = true, .authority = slice_of("10.0.0.9:8443")},
        .prefix = slice_of(prefix),
        .base = slice_of(base),
    };
}

typedef void map_function(const struct mapping *, struct slice, struct buffer *);

/* expected NULL: the same. Checked with the octets at the end of memory, and with too little room.
 */
static void check_map(map_function *map, const struct mapping *mapping, const char *value,
                      const char *expected)
{
    struct slice same = slice_of(expected != NULL ? expected : value);
    struct buffer *out = new_buffer(4096);

    map(mapping, guarded(slice_of(value)), out);
    check_octets(value, buffer_content(out), same);
    for (size_t cap = 1; cap < same.len; cap += 3) {
        out = new_buffer(cap);
        map(mapping, guarded(slice_of(value)), out);
        check(out->overflowed, "%s: %zu octets in %zu", value, same.len, cap);
    }
}

/* ---- origins ---- */

static const struct origin_row {
    const char *name, *uri, *authority, *rest; /* authority NULL: none */
} origin_rows[] = {
    {"bare", "http://a", "a", ""},
    {"path", "HTTPS://a/b?c#d", "a", "/b?c#d"},
    {"query", "http://a?b/c", "a", "?b/c"},
    {"fragment", "http://a#b/c", "a", "#b/c"},
    {"port", "http://a:81/", "a:81", "/"},
    {"empty port", "http://a:/", "a:", "/"},
    {"IPv6", "http://[::1]:81/b", "[::1]:81", "/b"},
    {"network path", "//a.example/b", "a.example", "/b"},
    {"two slashes behind", "http://a//b", "a", "//b"},
    {"userinfo", "http://u@a/", NULL, NULL},
    {"userinfo with a password", "http://u:p@a/", NULL, NULL},
    {"path", "/a", NULL, NULL},
    {"relative", "a/b", NULL, NULL},
    {"empty", "", NULL, NULL},
    {"one slash", "http:/a", NULL, NULL},
    {"three slashes", "http:///a", NULL, NULL},
    {"three slashes alone", "///a", NULL, NULL},
    {"no authority", "http://", NULL, NULL},
    {"another scheme", "ftp://a/", NULL, NULL},
    {"a longer scheme", "httpsx://a/", NULL, NULL},
    {"backslash", "http://a\\b/", NULL, NULL},
    {"backslashes", "http:\\\\a/", NULL, NULL},
    {"white space", "http://a b/", NULL, NULL},
    {"port that is none", "http://a:x/", NULL, NULL},
    {"port out of range", "http://a:65616/", NULL, NULL},
    {"open bracket", "http://[::1/", NULL, NULL},
};

static void check_origin(const void *at)
{
    const struct origin_row *row = at;
    struct origin_front front;

    bool is_origin = origin_split(guarded(slice_of(row->uri)), &front);
    check_number("is an origin", is_origin, row->authority != NULL);
    if (!is_origin || row->authority == NULL)
        return;
    check_octets("authority", front.origin.authority, slice_of(row->authority));
    check_octets("rest", front.rest, slice_of(row->rest));
}

static const struct equal_row {
    const char *name, *a, *b;
    bool expected;
} equal_rows[] = {
    {"the same", "http://a.example", "http://a.example", true},
    {"case", "http://A.Example", "HTTP://a.eXample", true},
    {"own port of http", "http://a", "http://a:80", true},
    {"own port of https", "https://a:443", "https://a", true},
    {"empty port", "https://a:", "https://a", true},
    {"port with zeros", "http://a:080", "http://a", true},
    {"IPv6", "http://[::A]:80", "http://[::a]", true},
    {"scheme", "http://a", "https://a", false},
    {"the other's port", "http://a:443", "https://a", false},
    {"port", "http://a:81", "http://a", false},
    {"host", "http://a", "http://b", false},
    {"longer", "http://a.example", "http://a.example.org", false},
    {"dot behind", "http://a.", "http://a", false},
};

static void check_equal(const void *at)
{
    const struct equal_row *row = at;
    struct origin_front a;
    struct origin_front b;

    check(origin_split(slice_of(row->a), &a) && origin_split(slice_of(row->b), &b), "no origins");
    check_number("equal", origin_equals(a.origin, b.origin), row->expected);
    check_number("the other way round", origin_equals(b.origin, a.origin), row->expected);
}

/* ---- responses ---- */

#define CLIENT "http://127.0.0.1:8080"

static const struct uri_row {
    const char *name, *prefix, *base, *uri, *expected; /* NULL: as it is */
} uri_rows[] = {
    {"root", "", "", "https://t.example/", CLIENT "/"},
    {"bare", "", "", "https://t.example", CLIENT},
    {"path, query, fragment", "", "", "https://t.example/a%2Fb?c=https://t.example/#d",
     CLIENT "/a%2Fb?c=https://t.example/#d"},
    {"query alone", "", "", "https://t.example?a", CLIENT "?a"},
    {"case", "", "", "HTTPS://T.Example/A", CLIENT "/A"},
    {"own port", "", "", "https://t.example:443/a", CLIENT "/a"},
    {"by the address", "", "", "https://10.0.0.9:8443/a", CLIENT "/a"},
    {"network path", "", "", "//t.example/a", "//127.0.0.1:8080/a"},
    {"white space within", "", "", "https://t.example/a b", CLIENT "/a b"},
    {"obs-text", "", "", "https://t.example/\xE4", CLIENT "/\xE4"},
    {"another scheme", "", "", "http://t.example/a", NULL},
    {"another host", "", "", "https://other.example/a", NULL},
    {"a host below", "", "", "https://a.t.example/", NULL},
    {"a host that begins so", "", "", "https://t.example.org/", NULL},
    {"another port", "", "", "https://t.example:8443/a", NULL},
    {"userinfo", "", "", "https://u@t.example/", NULL},
    {"userinfo that looks like it", "", "", "https://t.example@evil.example/", NULL},
    {"backslash", "", "", "https://t.example\\@evil.example/", NULL},
    {"path", "", "", "/a", NULL},
    {"relative", "", "", "a/b?c", NULL},
    {"empty", "", "", "", NULL},
    {"another network path", "", "", "//evil.example/", NULL},
    {"no URI", "", "", "%%%", NULL},
    {"mailto", "", "", "mailto:a@t.example", NULL},

    {"prefix", "/pay", "", "https://t.example/a", CLIENT "/pay/a"},
    {"prefix, bare", "/pay", "", "https://t.example", CLIENT "/pay"},
    {"prefix, query alone", "/pay", "", "https://t.example?a", CLIENT "/pay?a"},
    {"prefix, network path", "/pay", "", "//t.example/a", "//127.0.0.1:8080/pay/a"},
    {"prefix, path", "/pay", "", "/a?b#c", "/pay/a?b#c"},
    {"prefix, root", "/pay", "", "/", "/pay/"},
    {"prefix, relative", "/pay", "", "a", NULL},
    {"prefix, dots", "/pay", "", "../a", NULL},
    {"prefix, query", "/pay", "", "?a", NULL},
    {"prefix, another origin", "/pay", "", "https://other.example/a", NULL},
    {"prefix, another network path", "/pay", "", "//evil.example/a", NULL},
    {"prefix, what browsers take for one", "/pay", "", "/\\evil.example/a", NULL},
    {"prefix, that stands there already", "/pay", "", "/pay/a", "/pay/pay/a"},

    {"base", "", "/b", "https://t.example/b/a", CLIENT "/a"},
    {"base alone", "", "/b", "https://t.example/b", CLIENT "/"},
    {"base and query", "", "/b", "https://t.example/b?a", CLIENT "/?a"},
    {"base, path", "", "/b", "/b/a", "/a"},
    {"base alone, path", "", "/b", "/b", "/"},
    {"base, query, path", "", "/b", "/b?a", "/?a"},
    {"not below the base", "", "/b", "https://t.example/a", NULL},
    {"not below the base, though it begins so", "", "/b", "https://t.example/bc", NULL},
    {"path not below the base", "", "/b", "/bc", NULL},
    {"no network path comes of it", "", "/b", "/b//evil.example/", CLIENT "//evil.example/"},
    {"nor what browsers take for one", "", "/b", "/b/\\evil.example", CLIENT "/\\evil.example"},
    {"base and prefix", "/pay", "/b", "https://t.example/b/a", CLIENT "/pay/a"},
    {"base and prefix, path", "/pay", "/b", "/b/a", "/pay/a"},
    {"base and prefix, base alone", "/pay", "/b", "/b", "/pay"},
    {"base and prefix, two slashes", "/pay", "/b", "/b//a", "/pay//a"},
};

static void check_uri(const void *at)
{
    const struct uri_row *row = at;
    struct mapping mapping = mapping_of(row->prefix, row->base);

    check_map(location_map_uri, &mapping, row->uri, row->expected);
}

static const struct value_row {
    const char *name, *value, *expected; /* NULL: as it is */
} refresh_rows[] =
    {
        {"usual", "5; url=https://t.example/a", "5; url=" CLIENT "/a"},
        {"tight", "0;URL=https://t.example/a", "0;URL=" CLIENT "/a"},
        {"comma", "5, Url = https://t.example/a", "5, Url = " CLIENT "/a"},
        {"white space alone", "5 url=https://t.example/", "5 url=" CLIENT "/"},
        {"fraction", "0.5;url=https://t.example/", "0.5;url=" CLIENT "/"},
        {"double quotes", "5; url=\"https://t.example/a\" x", "5; url=\"" CLIENT "/a\" x"},
        {"single quotes", "5; url='https://t.example/a'", "5; url='" CLIENT "/a'"},
        {"quote left open", "5; url='https://t.example/a", "5; url='" CLIENT "/a"},
        {"without url=", "5; https://t.example/a", "5; " CLIENT "/a"},
        {"quoted, without url=", "5;\"https://t.example/a\"", "5;\"" CLIENT "/a\""},
        {"another origin", "5; url=https://other.example/?https://t.example/", NULL},
        {"relative", "5; url=a", NULL},
        {"no URI", "5", NULL},
        {"empty URI", "5; url=", NULL},
        {"empty quotes", "5; url=\"\"", NULL},
        {"no time", "url=https://t.example/", NULL},
        {"glued to the time", "5url=https://t.example/", NULL},
        {"empty", "", NULL},
        {"u that is no url", "5; u=https://t.example/", NULL},
},
  link_rows[] = {
      {"one", "<https://t.example/a>; rel=next", "<" CLIENT "/a>; rel=next"},
      {"bare", "<https://t.example/a>", "<" CLIENT "/a>"},
      {"several", "<https://t.example/a>;rel=a , <https://o.example/>; rel=b,<//t.example/c>",
       "<" CLIENT "/a>;rel=a , <https://o.example/>; rel=b,<//127.0.0.1:8080/c>"},
      {"comma in the URI", "<https://t.example/a,b>, <https://t.example/c>",
       "<" CLIENT "/a,b>, <" CLIENT "/c>"},
      {"comma and brackets in quotes", "<https://t.example/a>; title=\"b, <https://t.example/c>\"",
       "<" CLIENT "/a>; title=\"b, <https://t.example/c>\""},
      {"escaped quote", "<https://t.example/a>; t=\"\\\", <https://t.example/c>\", <//t.example>",
       "<" CLIENT "/a>; t=\"\\\", <https://t.example/c>\", <//127.0.0.1:8080>"},
      {"empty elements", ",, <https://t.example/>,", ",, <" CLIENT "/>,"},
      {"brackets that are no target", "x <https://t.example/>", NULL},
      {"in a parameter", "<a>; anchor=<https://t.example/>", NULL},
      {"unclosed", "<https://t.example/a", NULL},
      {"unclosed, second", "<https://t.example/>, <https://t.example/b",
       "<" CLIENT "/>, <https://t.example/b"},
      {"empty target", "<>; rel=a", NULL},
      {"quote left open", "<a>; t=\"b, <https://t.example/>", NULL},
      {"empty", "", NULL},
};

static void check_refresh(const void *at)
{
    const struct value_row *row = at;
    struct mapping mapping = mapping_of("", "");

    check_map(location_map_refresh, &mapping, row->value, row->expected);
}

static void check_link(const void *at)
{
    const struct value_row *row = at;
    struct mapping mapping = mapping_of("", "");

    check_map(location_map_link, &mapping, row->value, row->expected);
}

/* ---- requests ---- */

#define TARGET "https://t.example"

static const struct value_row origin_value_rows[] = {
    {"the client's", "http://127.0.0.1:8080", TARGET},
    {"null", "null", NULL},
    {"another's", "https://evil.example", NULL},
    {"another port", "http://127.0.0.1:8081", NULL},
    {"another scheme", "https://127.0.0.1:8080", NULL},
    {"another name of the same", "http://localhost:8080", NULL},
    {"with a path, which it never has", "http://127.0.0.1:8080/", NULL},
    {"a list", "http://127.0.0.1:8080 http://127.0.0.1:8080", NULL},
    {"without a scheme", "//127.0.0.1:8080", NULL},
    {"empty", "", NULL},
};

static void check_origin_value(const void *at)
{
    const struct value_row *row = at;
    struct mapping mapping = mapping_of("/pay", "/b");

    check_map(location_unmap_origin, &mapping, row->value, row->expected);
    mapping.target.authority = slice_of("t.example:443"); /* as Origin never has it */
    check_map(location_unmap_origin, &mapping, row->value, row->expected);
}

static const struct uri_row referer_rows[] = {
    {"the client's", "", "", CLIENT "/a?b", TARGET "/a?b"},
    {"bare", "", "", CLIENT, TARGET},
    {"another's", "", "", "https://evil.example/" CLIENT "/", NULL},
    {"userinfo", "", "", "http://u@127.0.0.1:8080/a", NULL},
    {"path alone", "", "", "/a", NULL},
    {"network path", "", "", "//127.0.0.1:8080/a", NULL},
    {"prefix", "/pay", "", CLIENT "/pay/a?b", TARGET "/a?b"},
    {"prefix alone", "/pay", "", CLIENT "/pay", TARGET "/"},
    {"another route's", "/pay", "", CLIENT "/payments/a", TARGET "/payments/a"},
    {"base", "", "/b", CLIENT "/a", TARGET "/b/a"},
    {"base and prefix", "/pay", "/b", CLIENT "/pay/a", TARGET "/b/a"},
    {"base and prefix alone", "/pay", "/b", CLIENT "/pay?c", TARGET "/b?c"},
};

static void check_referer(const void *at)
{
    const struct uri_row *row = at;
    struct mapping mapping = mapping_of(row->prefix, row->base);

    check_map(location_unmap_uri, &mapping, row->uri, row->expected);
}

/* ---- properties ---- */

static unsigned next_random(unsigned *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 16;
}

/* Pieces of what can stand in such values, put together at random. */
static struct slice random_value(unsigned *state, const char *const *pieces, size_t count)
{
    static char space[512];
    struct buffer value = {.at = space, .cap = sizeof space};

    for (unsigned i = next_random(state) % 9; i > 0; i--)
        buffer_add_text(&value, pieces[next_random(state) % count]);
    return buffer_content(&value);
}

static bool contains(struct slice s, const char *part)
{
    return memmem(s.at, s.len, part, strlen(part)) != NULL;
}

/* What does not hold the target's name is no URI of its: every octet stays. */
static void test_foreign_values_stay(void)
{
    static const char *const pieces[] = {"https://", "//", "http://",    "a.example", ":443", "/",
                                         "?",        "#",  "@",          "<",         ">",    ",",
                                         "; rel=",   "\"", "\\",         "5; url=",   " ",    "'",
                                         "t.exampl", "t.", ".t.example", "x"};
    static map_function *const maps[] = {location_map_uri, location_map_refresh, location_map_link};
    struct mapping mapping = mapping_of("", "");
    unsigned state = 1;

    for (unsigned round = 0; round < 30000; round++) {
        struct slice value = random_value(&state, pieces, COUNT_OF(pieces));
        if (contains(value, "//t.example"))
            continue;
        struct buffer *out = new_buffer(1024);
        maps[round % COUNT_OF(maps)](&mapping, guarded(value), out);
        if (!check_octets("value", buffer_content(out), value))
            return;
    }
}

/* A path goes to the client's view and comes back as it was. */
static void test_paths_come_back(void)
{
    static const char *const pieces[] = {"/", "a", "/b", "/pay", "?", "#", "%2F", "..", "//"};
    static const char *const fronts[] = {"", "/pay", "/b", "/b/pay"};
    unsigned state = 7;

    for (unsigned round = 0; round < 30000; round++) {
        struct mapping mapping = mapping_of(fronts[round % 4], fronts[round / 4 % 4]);
        struct slice rest = random_value(&state, pieces, COUNT_OF(pieces));
        const char *path =
            text_of("%.*s/%.*s", (int)mapping.base.len, mapping.base.at, (int)rest.len, rest.at);
        struct buffer *mapped = new_buffer(1024);
        struct buffer *back = new_buffer(1024);
        check(mapping_add_client_path(&mapping, slice_of(path), mapped), "%s is refused", path);
        mapping_add_target_path(&mapping, buffer_content(mapped), back);
        if (!check_octets("path", buffer_content(back), slice_of(path)))
            return;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROWS(origin_rows, check_origin),   ROWS(equal_rows, check_equal),
        ROWS(uri_rows, check_uri),         ROWS(refresh_rows, check_refresh),
        ROWS(link_rows, check_link),       ROWS(origin_value_rows, check_origin_value),
        ROWS(referer_rows, check_referer), TEST(test_foreign_values_stay),
        TEST(test_paths_come_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
