/* cookie: Set-Cookie for the client, Cookie for the target. */
#include "cookie.h"

#include <string.h>

/* ---- names ---- */

static struct slice behind(struct slice s, size_t len)
{
    return (struct slice){s.at + len, s.len - len};
}

/* How often the alias stands before a name with conditions. false for any other name. */
static bool is_conditional(struct slice name, size_t *aliases)
{
    const size_t len = strlen(COOKIE_ALIAS);

    *aliases = 0;
    while (name.len >= len && memcmp(name.at, COOKIE_ALIAS, len) == 0) {
        name = behind(name, len);
        ++*aliases;
    }
    /* __Host-Http- is one of the first kind. */
    return slice_begins_nocase(name, "__Host-") || slice_begins_nocase(name, "__Secure-") ||
           slice_begins_nocase(name, "__Http-");
}

/* Whether a browser would refuse the cookie under its own name: without TLS, or because __Host-
 * demands that it holds for all paths, those of other routes too. */
static bool needs_alias(const struct mapping *mapping, struct slice name)
{
    size_t aliases;

    if (!is_conditional(name, &aliases))
        return false;
    return aliases > 0 || !mapping->client.is_https ||
           (slice_begins_nocase(name, "__Host-") && mapping->prefix.len > 0);
}

/* ---- Set-Cookie ---- */

struct attribute {
    struct slice octets; /* with the semicolon before it */
    struct slice name;
    struct slice value; /* empty without "=" */
};

/* Takes what stands before the next semicolon. */
static struct slice take_piece(struct slice *rest, size_t from)
{
    size_t len = from;

    while (len < rest->len && rest->at[len] != ';')
        len++;
    struct slice piece = {rest->at, len};
    *rest = behind(*rest, len);
    return piece;
}

/* What stands before and behind the first "=", without white space around it. */
static void split_pair(struct slice pair, struct slice *name, struct slice *value)
{
    const char *equals = pair.len > 0 ? memchr(pair.at, '=', pair.len) : NULL;
    size_t len = equals != NULL ? (size_t)(equals - pair.at) : pair.len;

    *name = slice_trim((struct slice){pair.at, len});
    *value = equals != NULL ? slice_trim(behind(pair, len + 1)) : (struct slice){pair.at + len, 0};
}

static bool next_attribute(struct slice *rest, struct attribute *attribute)
{
    if (rest->len == 0)
        return false;
    attribute->octets = take_piece(rest, 1);
    split_pair(behind(attribute->octets, 1), &attribute->name, &attribute->value);
    return true;
}

static bool is_named(const struct attribute *attribute, const char *name)
{
    return slice_equals_nocase(attribute->name, slice_of(name));
}

/* Whether the last SameSite, which is the one that counts, is None. */
static bool is_for_all_sites(struct slice attributes)
{
    struct attribute attribute;
    bool found = false;

    while (next_attribute(&attributes, &attribute))
        if (is_named(&attribute, "SameSite"))
            found = slice_equals_nocase(attribute.value, slice_of("None"));
    return found;
}

/* Where the value is no path, the client takes that of its own request. */
static void add_path(const struct mapping *mapping, const struct attribute *attribute,
                     struct buffer *out)
{
    struct slice octets = attribute->octets;
    struct slice value = attribute->value;

    if (!mapping_changes_paths(mapping) || value.len == 0 || value.at[0] != '/') {
        buffer_add(out, octets);
        return;
    }
    size_t before = (size_t)(value.at - octets.at);
    buffer_add(out, (struct slice){octets.at, before});
    mapping_add_cookie_path(mapping, value, out);
    buffer_add(out, behind(octets, before + value.len));
}

static void add_name_and_value(const struct mapping *mapping, struct slice pair, struct buffer *out)
{
    struct slice name;
    struct slice value;

    split_pair(pair, &name, &value);
    size_t before = name.len > 0 ? (size_t)(name.at - pair.at) : 0;
    buffer_add(out, (struct slice){pair.at, before});
    if (memchr(pair.at, '=', pair.len) != NULL && needs_alias(mapping, name))
        buffer_add_text(out, COOKIE_ALIAS);
    buffer_add(out, behind(pair, before));
}

void cookie_map(const struct mapping *mapping, struct slice value, struct buffer *out)
{
    const bool is_plain = !mapping->client.is_https;
    struct slice rest = value;
    struct attribute attribute;

    if (value.len == 0)
        return;
    add_name_and_value(mapping, take_piece(&rest, 0), out);
    const bool drops_same_site = is_plain && is_for_all_sites(rest);
    while (next_attribute(&rest, &attribute)) {
        if (is_named(&attribute, "Domain") || (drops_same_site && is_named(&attribute, "SameSite")))
            continue;
        if (is_plain && (is_named(&attribute, "Secure") || is_named(&attribute, "Partitioned")))
            continue;
        if (is_named(&attribute, "Path"))
            add_path(mapping, &attribute, out);
        else
            buffer_add(out, attribute.octets);
    }
}

/* ---- Cookie ---- */

/* Appends the value's next pair with what stands before it; how much of value that was. */
static size_t unmap_pair(struct slice value, struct buffer *out)
{
    size_t space = 0;
    size_t aliases;

    while (space < value.len &&
           (value.at[space] == ';' || value.at[space] == ' ' || value.at[space] == '\t'))
        space++;
    struct slice rest = behind(value, space);
    struct slice pair = take_piece(&rest, 0);
    buffer_add(out, (struct slice){value.at, space});
    buffer_add(out, is_conditional(pair, &aliases) && aliases > 0
                        ? behind(pair, strlen(COOKIE_ALIAS))
                        : pair);
    return value.len - rest.len;
}

void cookie_unmap(struct slice value, struct buffer *out)
{
    while (value.len > 0)
        value = behind(value, unmap_pair(value, out));
}
