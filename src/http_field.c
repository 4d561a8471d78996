/* http_field: field lines, names, lists and tokens. */
#include "http_field.h"

#include <string.h>

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool http_is_token_octet(char c)
{
    return is_alphanumeric(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

bool http_is_content_octet(char c)
{
    unsigned char octet = (unsigned char)c;

    return (octet >= 0x20 && octet != 0x7F) || octet == '\t';
}

bool http_is_token(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!http_is_token_octet(s.at[i]))
            return false;
    return s.len > 0;
}

static const struct {
    const char *name;
    size_t len;
    enum http_field_id id;
} known_fields[] = {
#define KNOWN(name, id)                                                                            \
    {                                                                                              \
        name, sizeof(name) - 1, id                                                                 \
    }
    KNOWN("Connection", HTTP_FIELD_CONNECTION),
    KNOWN("Content-Length", HTTP_FIELD_CONTENT_LENGTH),
    KNOWN("Date", HTTP_FIELD_DATE),
    KNOWN("Expect", HTTP_FIELD_EXPECT),
    KNOWN("Host", HTTP_FIELD_HOST),
    KNOWN("Keep-Alive", HTTP_FIELD_KEEP_ALIVE),
    KNOWN("Max-Forwards", HTTP_FIELD_MAX_FORWARDS),
    KNOWN("Proxy-Authorization", HTTP_FIELD_PROXY_AUTHORIZATION),
    KNOWN("Proxy-Connection", HTTP_FIELD_PROXY_CONNECTION),
    KNOWN("TE", HTTP_FIELD_TE),
    KNOWN("Trailer", HTTP_FIELD_TRAILER),
    KNOWN("Transfer-Encoding", HTTP_FIELD_TRANSFER_ENCODING),
    KNOWN("Upgrade", HTTP_FIELD_UPGRADE),
#undef KNOWN
};

enum http_field_id http_field_identify(struct slice name)
{
    for (size_t i = 0; i < sizeof known_fields / sizeof known_fields[0]; i++)
        if (known_fields[i].len == name.len &&
            slice_equals_nocase(name, (struct slice){known_fields[i].name, name.len}))
            return known_fields[i].id;
    return HTTP_FIELD_OTHER;
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
    const char *colon = memchr(lines->at, ':', lines->len);
    if (end == NULL || colon == NULL || colon > end)
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
