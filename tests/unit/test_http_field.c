/* Tests of http_field: octets, tokens, names, field lines and lists (RFC 9110 5). */
#include <string.h>

#include "http_field.h"
#include "support.h"

/* RFC 9110 5.6.2 */
static const char token_octets[] = "!#$%&'*+-.^_`|~0123456789"
                                   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/* RFC 9110 5.5: field-vchar, SP and HTAB, obs-text */
static bool is_content(int octet)
{
    return octet == '\t' || (octet >= 0x20 && octet <= 0x7E) || octet >= 0x80;
}

static void test_octets(void)
{
    for (int octet = 0; octet < 256; octet++) {
        char c = (char)octet;
        bool token = octet != 0 && strchr(token_octets, octet) != NULL;
        check(http_is_token_octet(c) == token, "token octet 0x%02x", (unsigned)octet);
        check(http_is_content_octet(c) == is_content(octet), "content octet 0x%02x",
              (unsigned)octet);
        check(http_is_token(guarded((struct slice){&c, 1})) == token, "token of 0x%02x",
              (unsigned)octet);
    }
}

static const struct token_row {
    const char *name;
    struct slice in;
    bool valid;
} token_rows[] = {
    {"a word", OCTETS("X-Api-Key"), true},
    {"empty", OCTETS(""), false},
    {"space within", OCTETS("a b"), false},
    {"space at the end", OCTETS("a "), false},
    {"space at the front", OCTETS(" a"), false},
    {"NUL at the end", OCTETS("a\0"), false},
    {"colon", OCTETS("a:"), false},
    {"obs-text", OCTETS("a\x80"), false},
    {"comma", OCTETS("a,b"), false},
    {"all octets", OCTETS("!#$%&'*+-.^_`|~0aZ"), true},
};

static void check_token(const void *at)
{
    const struct token_row *row = at;

    check_number("token", http_is_token(guarded(row->in)), row->valid);
}

static const struct name_row {
    const char *name;
    enum http_field_id id;
    bool reserved; /* never injected, never taken from trailers */
} name_rows[] = {
    {"Connection", HTTP_FIELD_CONNECTION, true},
    {"Content-Length", HTTP_FIELD_CONTENT_LENGTH, true},
    {"Date", HTTP_FIELD_DATE, false},
    {"Expect", HTTP_FIELD_EXPECT, true},
    {"Host", HTTP_FIELD_HOST, true},
    {"Keep-Alive", HTTP_FIELD_KEEP_ALIVE, true},
    {"Max-Forwards", HTTP_FIELD_MAX_FORWARDS, true},
    {"Proxy-Authorization", HTTP_FIELD_PROXY_AUTHORIZATION, false},
    {"Proxy-Connection", HTTP_FIELD_PROXY_CONNECTION, true},
    {"TE", HTTP_FIELD_TE, true},
    {"Trailer", HTTP_FIELD_TRAILER, true},
    {"Transfer-Encoding", HTTP_FIELD_TRANSFER_ENCODING, true},
    {"Upgrade", HTTP_FIELD_UPGRADE, true},
    {"Authorization", HTTP_FIELD_AUTHORIZATION, false},
    {"", HTTP_FIELD_OTHER, false},
    {"Hos", HTTP_FIELD_OTHER, false},
    {"Hosts", HTTP_FIELD_OTHER, false},
    {"Content_Length", HTTP_FIELD_OTHER, false},
    {"Transfer-Encodinh", HTTP_FIELD_OTHER, false},
    {"T\xC5", HTTP_FIELD_OTHER, false},
};

/* Names are not case-sensitive (RFC 9110 5.1). */
static void check_name(const void *at)
{
    const struct name_row *row = at;
    char copy[32];

    strcpy(copy, row->name);
    check_number("as it is", http_field_identify(guarded(slice_of(copy))), row->id);
    for (char *c = copy; *c != '\0'; c++)
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
    check_number("in small letters", http_field_identify(guarded(slice_of(copy))), row->id);
    for (char *c = copy; *c != '\0'; c++)
        *c = (char)(*c >= 'a' && *c <= 'z' ? *c - 32 : *c);
    check_number("in capitals", http_field_identify(guarded(slice_of(copy))), row->id);
    check_number("reserved", http_field_is_reserved(row->id), row->reserved);
}

static const struct alike_row {
    const char *name;
    struct slice a, b;
    bool alike;
} alike_rows[] = {
    {"the same", OCTETS("X-Api-Key"), OCTETS("X-Api-Key"), true},
    {"other case", OCTETS("X-Api-Key"), OCTETS("x-aPI-kEY"), true},
    {"underscores, as CGI reads them", OCTETS("X-Api-Key"), OCTETS("X_Api_Key"), true},
    {"one underscore and other case", OCTETS("X-Api-Key"), OCTETS("x_api-key"), true},
    {"underscores in both", OCTETS("X_A-B"), OCTETS("X-A_B"), true},
    {"shorter", OCTETS("X-Api"), OCTETS("X-Api-Key"), false},
    {"other letter", OCTETS("X-Api-Key"), OCTETS("X-Api-Kez"), false},
    {"other first letter", OCTETS("X-Api"), OCTETS("Y-Api"), false},
    {"other marks, as CGI reads them", OCTETS("X-Api-Key"), OCTETS("X.Api~Key"), true},
    {"a mark and a letter", OCTETS("X-Api"), OCTETS("X-Apx"), false},
    {"a mark for a letter", OCTETS("X-A"), OCTETS("X--"), false},
    {"a mark for a digit", OCTETS("X-0"), OCTETS("X-_"), false},
    {"digits", OCTETS("X-09"), OCTETS("x_09"), true},
    {"empty", OCTETS(""), OCTETS(""), true},
};

static void check_alike(const void *at)
{
    const struct alike_row *row = at;
    struct slice a = guarded(row->a);
    struct slice b = guarded(row->b);

    check_number("alike", http_names_are_alike(a, b), row->alike);
    check_number("the other way", http_names_are_alike(b, a), row->alike);
}

static const struct line_row {
    const char *name;
    struct slice line, field_name, value;
} line_rows[] = {
    {"usual", OCTETS("A: b\r\n"), OCTETS("A"), OCTETS("b")},
    {"no space", OCTETS("A:b\r\n"), OCTETS("A"), OCTETS("b")},
    {"white space around", OCTETS("A: \t b c \t \r\n"), OCTETS("A"), OCTETS("b c")},
    {"empty", OCTETS("A:\r\n"), OCTETS("A"), OCTETS("")},
    {"only white space", OCTETS("A: \t \r\n"), OCTETS("A"), OCTETS("")},
    {"colons in the value", OCTETS("A: b:c: d\r\n"), OCTETS("A"), OCTETS("b:c: d")},
    {"obs-text", OCTETS("A: \xE4\xFF\r\n"), OCTETS("A"), OCTETS("\xE4\xFF")},
    {"control octets of a response", OCTETS("A: b\x01\x7F\r\n"), OCTETS("A"), OCTETS("b\x01\x7F")},
};

static void check_line(const void *at)
{
    const struct line_row *row = at;
    struct slice lines = guarded(row->line);
    struct http_field field;

    assert_true(http_field_next(&lines, &field));
    check_octets("name", field.name, row->field_name);
    check_octets("value", field.value, row->value);
    check_octets("line", field.line, row->line);
    check_number("left", lines.len, 0);
    check(!http_field_next(&lines, &field), "another line");
}

static void test_lines_in_order(void)
{
    struct slice lines = guarded(slice_of("Host: a\r\nB:c\r\nhost: d\r\n\r\n"));
    struct http_field field;

    lines.len -= 2;
    assert_true(http_field_next(&lines, &field));
    check_number("known", field.id, HTTP_FIELD_HOST);
    assert_true(http_field_next(&lines, &field));
    check_number("other", field.id, HTTP_FIELD_OTHER);
    check_octets("line", field.line, slice_of("B:c\r\n"));
    assert_true(http_field_next(&lines, &field));
    check_octets("last", field.value, slice_of("d"));
    check(!http_field_next(&lines, &field), "another line");
}

static const struct list_row {
    const char *name;
    struct slice list;
    const char *elements; /* each in brackets */
} list_rows[] = {
    {"one", OCTETS("a"), "[a]"},
    {"two", OCTETS("a,b"), "[a][b]"},
    {"white space (RFC 9110 5.6.1)", OCTETS(" a \t,\t b c "), "[a][b c]"},
    {"empty", OCTETS(""), "[]"},
    {"empty elements", OCTETS(",a, ,b,"), "[][a][][b][]"},
    {"only a comma", OCTETS(","), "[][]"},
    {"semicolon", OCTETS("a;q=1, b"), "[a;q=1][b]"},
    {"no list at all", {NULL, 0}, ""},
};

static void check_list(const void *at)
{
    const struct list_row *row = at;
    struct slice list = row->list.at != NULL ? guarded(row->list) : row->list;
    struct slice element;
    const char *elements = "";

    while (http_list_next(&list, &element))
        elements = text_of("%s[%.*s]", elements, (int)element.len, element.at);
    check_text("elements", elements, row->elements);
}

static const struct resemblance_row {
    const char *name;
    bool resembles;
} resemblance_rows[] = {
    {"Content-Length", true},      {"content_length", true},    {"CONTENT.LENGTH", true},
    {"Transfer-Encoding", true},   {"Transfer_encoding", true}, {"Content-Lengths", false},
    {"X-Content-Length", false},   {"ContentLength", false},    {"Transfer-Encodin", false},
    {"Transfer--Encoding", false}, {"Content-Type", false},     {"", false},
};

static void check_resemblance(const void *at)
{
    const struct resemblance_row *row = at;

    check_number("resembles", http_resembles_framing(guarded(slice_of(row->name))), row->resembles);
}

/* ---- Connection (RFC 9110 7.6.1) ---- */

static const struct connection_row {
    const char *name;
    const char *first, *second; /* values of two fields; NULL: one only */
    bool close, keep_alive, upgrade;
    const char *nominated; /* each in brackets */
} connection_rows[] = {
    {"close", "close", NULL, true, false, false, ""},
    {"keep-alive", "Keep-Alive", NULL, false, true, false, ""},
    {"upgrade", "UPGRADE", NULL, false, false, true, ""},
    {"all of them", "upgrade,close , \tkeep-alive", NULL, true, true, true, ""},
    {"all of them in two fields", "close", "upgrade, keep-alive", true, true, true, ""},
    {"a field", "X-A", NULL, false, false, false, "[X-A]"},
    {"fields", "X-A, close,x-b ,Cookie", NULL, true, false, false, "[X-A][x-b][Cookie]"},
    {"fields in two fields", "X-A", "X-B", false, false, false, "[X-A][X-B]"},
    {"TE is an option too (RFC 9110 10.1.4)", "TE, te", NULL, false, false, false, ""},
    {"part of an option", "closed, clos", NULL, false, false, false, "[closed][clos]"},
    {"two words", "close keep-alive", NULL, false, false, false, "[close keep-alive]"},
    {"the same again", "X-A, x-a", "X-A", false, false, false, "[X-A]"},
    {"empty", "", NULL, false, false, false, ""},
    {"empty elements", ", ,", ",", false, false, false, ""},
};

static const char *names_of(const struct http_nominations *nominations)
{
    const char *names = "";

    for (size_t i = 0; i < nominations->count; i++)
        names =
            text_of("%s[%.*s]", names, (int)nominations->names[i].len, nominations->names[i].at);
    return names;
}

static void check_connection(const void *at)
{
    const struct connection_row *row = at;
    struct http_connection connection = {0};

    check(http_connection_read(guarded(slice_of(row->first)), &connection), "refused");
    if (row->second != NULL)
        check(http_connection_read(guarded(slice_of(row->second)), &connection), "refused");
    check_number("close", connection.close, row->close);
    check_number("keep-alive", connection.keep_alive, row->keep_alive);
    check_number("upgrade", connection.upgrade, row->upgrade);
    check_text("nominated", names_of(&connection.nominations), row->nominated);
}

static const struct nomination_row {
    const char *name; /* of a field, where Connection names close, X-A and X-B */
    bool nominated;
} nomination_rows[] = {
    {"X-A", true}, {"x-a", true}, {"X-B", true}, {"X-A-B", false}, {"X-", false},   {"X_A", false},
    {"X", false},  {"", false},   {"A", false},  {"Close", true},  {"clos", false},
};

static void check_nomination(const void *at)
{
    const struct nomination_row *row = at;
    struct http_connection connection = {0};

    check(http_connection_read(slice_of("close, X-A, X-B"), &connection), "refused");
    check_number("nominated",
                 http_is_nominated(&connection.nominations, guarded(slice_of(row->name))),
                 row->nominated);
}

static void test_most_nominations(void)
{
    struct http_connection connection = {0};
    const char *names = distinct_names(HTTP_NOMINATIONS_MAX);

    check(http_connection_read(slice_of(names), &connection), "64 names");
    check(http_connection_read(slice_of(names), &connection), "the same names again");
    check_number("count", connection.nominations.count, HTTP_NOMINATIONS_MAX);
    check(http_connection_read(slice_of("close, te,"), &connection), "options");
    check(!http_connection_read(slice_of("b"), &connection), "one more");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_octets),
        ROWS(token_rows, check_token),
        ROWS(name_rows, check_name),
        ROWS(alike_rows, check_alike),
        ROWS(line_rows, check_line),
        TEST(test_lines_in_order),
        ROWS(list_rows, check_list),
        ROWS(resemblance_rows, check_resemblance),
        ROWS(connection_rows, check_connection),
        ROWS(nomination_rows, check_nomination),
        TEST(test_most_nominations),
    };

    return cmocka_run_group_tests_name("http_field", tests, NULL, NULL);
}
