/* location: the URIs in fields, turned from one view into the other. */
#include "location.h"

#include <string.h>

/* ---- references ---- */

/* "/path" without an origin: the client would resolve it within its own view. */
static void map_path(const struct mapping *mapping, struct slice path, struct buffer *out)
{
    const size_t start = out->end;

    if (!mapping_changes_paths(mapping) || mapping_looks_like_authority(path) ||
        !mapping_add_client_path(mapping, path, out)) {
        buffer_add(out, path);
        return;
    }
    if (out->overflowed ||
        !mapping_looks_like_authority((struct slice){out->at + start, out->end - start}))
        return;
    out->end = start; /* the base path was what kept it from naming another server */
    origin_add(mapping->client, out);
    mapping_add_client_path(mapping, path, out);
}

/* Leaves out as it was where the path is not one of the client's. */
static bool map_origin(const struct mapping *mapping, const struct origin_front *front,
                       struct buffer *out)
{
    const size_t start = out->end;

    if (front->has_scheme) {
        origin_add(mapping->client, out);
    } else {
        buffer_add_text(out, "//");
        buffer_add(out, mapping->client.authority);
    }
    if (mapping_add_client_path(mapping, front->rest, out))
        return true;
    out->end = start;
    return false;
}

void location_map_uri(const struct mapping *mapping, struct slice uri, struct buffer *out)
{
    struct origin_front front;

    if (!origin_split(uri, &front)) {
        if (uri.len > 0 && uri.at[0] == '/')
            map_path(mapping, uri, out);
        else
            buffer_add(out, uri);
        return;
    }
    if (!front.has_scheme)
        front.origin.is_https = mapping->target.is_https;
    if (!mapping_is_target(mapping, front.origin) || !map_origin(mapping, &front, out))
        buffer_add(out, uri);
}

void location_unmap_origin(const struct mapping *mapping, struct slice value, struct buffer *out)
{
    struct origin target = mapping->target;
    struct origin_front front;

    if (!origin_split(value, &front) || !front.has_scheme || front.rest.len > 0 ||
        !origin_equals(front.origin, mapping->client)) {
        buffer_add(out, value);
        return;
    }
    target.authority = origin_short_authority(target);
    origin_add(target, out);
}

void location_unmap_uri(const struct mapping *mapping, struct slice uri, struct buffer *out)
{
    struct origin target = mapping->target;
    struct origin_front front;

    if (!origin_split(uri, &front) || !front.has_scheme ||
        !origin_equals(front.origin, mapping->client)) {
        buffer_add(out, uri);
        return;
    }
    target.authority = origin_short_authority(target);
    origin_add(target, out);
    mapping_add_target_path(mapping, front.rest, out);
}

/* ---- values with references in them ---- */

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t skip_space(struct slice value, size_t at)
{
    while (at < value.len && is_space(value.at[at]))
        at++;
    return at;
}

/* Maps value[from..to) and copies the rest. */
static void map_part(const struct mapping *mapping, struct slice value, size_t from, size_t to,
                     struct buffer *out)
{
    buffer_add(out, (struct slice){value.at, from});
    location_map_uri(mapping, (struct slice){value.at + from, to - from}, out);
    buffer_add(out, (struct slice){value.at + to, value.len - to});
}

/* Behind the time and its separator; the value's end where no URI can follow. */
static size_t skip_time(struct slice value)
{
    size_t at = skip_space(value, 0);
    size_t begun = at;

    while (at < value.len && (is_digit(value.at[at]) || value.at[at] == '.'))
        at++;
    if (at == begun || at == value.len ||
        (value.at[at] != ';' && value.at[at] != ',' && !is_space(value.at[at])))
        return value.len;
    at = skip_space(value, at);
    if (at < value.len && (value.at[at] == ';' || value.at[at] == ','))
        at++;
    return skip_space(value, at);
}

/* Behind "url=", or at where nothing of the kind stands there. */
static size_t skip_url_word(struct slice value, size_t at)
{
    if (value.len - at < 3 ||
        !slice_equals_nocase((struct slice){value.at + at, 3}, slice_of("url")))
        return at;
    size_t equals = skip_space(value, at + 3);
    if (equals == value.len || value.at[equals] != '=')
        return at;
    return skip_space(value, equals + 1);
}

void location_map_refresh(const struct mapping *mapping, struct slice value, struct buffer *out)
{
    size_t from = skip_url_word(value, skip_time(value));
    size_t to = value.len;

    if (from < value.len && (value.at[from] == '"' || value.at[from] == '\'')) {
        const char *quote = &value.at[from++];
        const char *end = memchr(value.at + from, *quote, value.len - from);
        to = end != NULL ? (size_t)(end - value.at) : value.len;
    }
    map_part(mapping, value, from, to, out);
}

/* Where the element ends: at a comma that is neither quoted nor within < >, or at the end. */
static size_t find_comma(struct slice value, size_t at)
{
    bool quoted = false;

    for (; at < value.len; at++) {
        char c = value.at[at];
        if (quoted && c == '\\' && at + 1 < value.len)
            at++;
        else if (c == '"')
            quoted = !quoted;
        else if (c == ',' && !quoted)
            break;
    }
    return at;
}

/* Appends the first element of value, with the comma behind it; how much of value it was. */
static size_t map_link_element(const struct mapping *mapping, struct slice value,
                               struct buffer *out)
{
    size_t open = skip_space(value, 0);
    size_t from = 0;
    size_t to = 0;
    size_t end;

    if (open < value.len && value.at[open] == '<') {
        const char *close = memchr(value.at + open, '>', value.len - open);
        if (close == NULL) {
            buffer_add(out, value);
            return value.len;
        }
        from = open + 1;
        to = (size_t)(close - value.at);
    }
    end = find_comma(value, to);
    if (end < value.len)
        end++;
    struct slice element = {value.at, end};
    if (to > from)
        map_part(mapping, element, from, to, out);
    else
        buffer_add(out, element);
    return end;
}

void location_map_link(const struct mapping *mapping, struct slice value, struct buffer *out)
{
    while (value.len > 0) {
        size_t taken = map_link_element(mapping, value, out);
        value = (struct slice){value.at + taken, value.len - taken};
    }
}
