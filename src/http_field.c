/* http_field: field lines, names, lists and tokens. */
#include "http_field.h"

#include <limits.h>
#include <string.h>

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* tchar: 1. Letters, digits and !#$%&'*+-.^_`|~ (RFC 9110 5.6.2). */
static const unsigned char token_octets[UCHAR_MAX + 1] = {
    ['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1, ['&'] = 1, ['\''] = 1, ['*'] = 1, ['+'] = 1,
    ['-'] = 1, ['.'] = 1, ['^'] = 1, ['_'] = 1, ['`'] = 1, ['|'] = 1,  ['~'] = 1, ['0'] = 1,
    ['1'] = 1, ['2'] = 1, ['3'] = 1, ['4'] = 1, ['5'] = 1, ['6'] = 1,  ['7'] = 1, ['8'] = 1,
    ['9'] = 1, ['A'] = 1, ['B'] = 1, ['C'] = 1, ['D'] = 1, ['E'] = 1,  ['F'] = 1, ['G'] = 1,
    ['H'] = 1, ['I'] = 1, ['J'] = 1, ['K'] = 1, ['L'] = 1, ['M'] = 1,  ['N'] = 1, ['O'] = 1,
    ['P'] = 1, ['Q'] = 1, ['R'] = 1, ['S'] = 1, ['T'] = 1, ['U'] = 1,  ['V'] = 1, ['W'] = 1,
    ['X'] = 1, ['Y'] = 1, ['Z'] = 1, ['a'] = 1, ['b'] = 1, ['c'] = 1,  ['d'] = 1, ['e'] = 1,
    ['f'] = 1, ['g'] = 1, ['h'] = 1, ['i'] = 1, ['j'] = 1, ['k'] = 1,  ['l'] = 1, ['m'] = 1,
    ['n'] = 1, ['o'] = 1, ['p'] = 1, ['q'] = 1, ['r'] = 1, ['s'] = 1,  ['t'] = 1, ['u'] = 1,
    ['v'] = 1, ['w'] = 1, ['x'] = 1, ['y'] = 1, ['z'] = 1,
};

bool http_is_token_octet(char c)
{
    return token_octets[(unsigned char)c] != 0;
}

bool http_is_content_octet(char c)
{
    unsigned char octet = (unsigned char)c;

    return (octet >= 0x20 && octet != 0x7F) || octet == '\t';
}

int http_hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool http_is_token(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!http_is_token_octet(s.at[i]))
            return false;
    return s.len > 0;
}

struct known_field {
    const char *name;
    enum http_field_id id;
};

/* By the length of the name; no length has more than two. */
static const struct known_field known_fields[][2] = {
    [2] = {{"TE", HTTP_FIELD_TE}},
    [4] = {{"Date", HTTP_FIELD_DATE}, {"Host", HTTP_FIELD_HOST}},
    [6] = {{"Expect", HTTP_FIELD_EXPECT}},
    [7] = {{"Trailer", HTTP_FIELD_TRAILER}, {"Upgrade", HTTP_FIELD_UPGRADE}},
    [10] = {{"Connection", HTTP_FIELD_CONNECTION}, {"Keep-Alive", HTTP_FIELD_KEEP_ALIVE}},
    [12] = {{"Max-Forwards", HTTP_FIELD_MAX_FORWARDS}},
    [13] = {{"Authorization", HTTP_FIELD_AUTHORIZATION}},
    [14] = {{"Content-Length", HTTP_FIELD_CONTENT_LENGTH}},
    [16] = {{"Proxy-Connection", HTTP_FIELD_PROXY_CONNECTION}},
    [17] = {{"Transfer-Encoding", HTTP_FIELD_TRANSFER_ENCODING}},
    [19] = {{"Proxy-Authorization", HTTP_FIELD_PROXY_AUTHORIZATION}},
};

enum http_field_id http_field_identify(struct slice name)
{
    if (name.len >= sizeof known_fields / sizeof known_fields[0])
        return HTTP_FIELD_OTHER;
    const struct known_field *known = known_fields[name.len];
    for (size_t i = 0; i < 2 && known[i].name != NULL; i++)
        if (slice_equals_nocase(name, (struct slice){known[i].name, name.len}))
            return known[i].id;
    return HTTP_FIELD_OTHER;
}

bool http_field_is(const struct http_field *field, const char *name)
{
    return slice_equals_nocase(field->name, slice_of(name));
}

static struct slice octet_of(const char *c)
{
    return is_alphanumeric(*c) ? (struct slice){c, 1} : slice_of("-");
}

bool http_names_are_alike(struct slice a, struct slice b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (!slice_equals_nocase(octet_of(a.at + i), octet_of(b.at + i)))
            return false;
    return true;
}

bool http_resembles_framing(struct slice name)
{
    return http_names_are_alike(name, slice_of("Content-Length")) ||
           http_names_are_alike(name, slice_of("Transfer-Encoding"));
}

bool http_field_next(struct slice *lines, struct http_field *field)
{
    if (lines->len == 0)
        return false;
    const char *end = memchr(lines->at, '\n', lines->len);
    const char *colon = end != NULL ? memchr(lines->at, ':', (size_t)(end - lines->at)) : NULL;
    if (colon == NULL)
        return false; /* never after validation */

    field->line = (struct slice){lines->at, (size_t)(end - lines->at) + 1};
    field->name = (struct slice){lines->at, (size_t)(colon - lines->at)};
    field->value = slice_trim((struct slice){colon + 1, (size_t)(end - 1 - (colon + 1))});
    field->id = http_field_identify(field->name);
    lines->at += field->line.len;
    lines->len -= field->line.len;
    return true;
}

bool http_list_next(struct slice *list, struct slice *element)
{
    if (list->at == NULL)
        return false;
    const char *comma = list->len > 0 ? memchr(list->at, ',', list->len) : NULL;
    size_t len = comma != NULL ? (size_t)(comma - list->at) : list->len;

    *element = slice_trim((struct slice){list->at, len});
    if (comma == NULL) {
        *list = (struct slice){NULL, 0};
    } else {
        list->at += len + 1;
        list->len -= len + 1;
    }
    return true;
}

static bool nominate(struct http_nominations *nominations, struct slice name)
{
    if (name.len == 0 || slice_equals_nocase(name, slice_of("te")) ||
        http_is_nominated(nominations, name))
        return true;
    if (nominations->count == HTTP_NOMINATIONS_MAX)
        return false;
    nominations->names[nominations->count++] = name;
    return true;
}

bool http_connection_read(struct slice value, struct http_connection *connection)
{
    struct slice option;

    while (http_list_next(&value, &option)) {
        if (slice_equals_nocase(option, slice_of("close")))
            connection->close = connection->nominations.close = true;
        else if (slice_equals_nocase(option, slice_of("keep-alive")))
            connection->keep_alive = true;
        else if (slice_equals_nocase(option, slice_of("upgrade")))
            connection->upgrade = true;
        else if (!nominate(&connection->nominations, option))
            return false;
    }
    return true;
}

bool http_is_nominated(const struct http_nominations *nominations, struct slice name)
{
    for (size_t i = 0; i < nominations->count; i++)
        if (slice_equals_nocase(nominations->names[i], name))
            return true;
    return nominations->close && slice_equals_nocase(name, slice_of("close"));
}

bool http_field_is_reserved(enum http_field_id id)
{
    switch (id) {
    case HTTP_FIELD_CONNECTION:
    case HTTP_FIELD_CONTENT_LENGTH:
    case HTTP_FIELD_EXPECT:
    case HTTP_FIELD_HOST:
    case HTTP_FIELD_KEEP_ALIVE:
    case HTTP_FIELD_MAX_FORWARDS:
    case HTTP_FIELD_PROXY_CONNECTION:
    case HTTP_FIELD_TE:
    case HTTP_FIELD_TRAILER:
    case HTTP_FIELD_TRANSFER_ENCODING:
    case HTTP_FIELD_UPGRADE:
        return true;
    default:
        return false;
    }
}
