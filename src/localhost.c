/* localhost: [rewrite]: a target that is made to look like the client's own. */
#include "localhost.h"

#include "cookie.h"
#include "location.h"

/* What the route takes off the client's paths, without a slash at its end. */
static struct slice stripped_prefix(const struct config_route *route)
{
    struct slice prefix = slice_of(route->strip_path ? route->match_path : "");

    if (prefix.len > 0 && prefix.at[prefix.len - 1] == '/')
        prefix.len--;
    return prefix;
}

bool localhost_begin(const struct config_route *route, const struct http_request *request,
                     struct origin own, struct mapping *mapping)
{
    const struct config *config = route->config;
    const struct target *target = route->target;

    if (!config->rewrite.location && !config->rewrite.cookies && !config->rewrite.origin)
        return false;
    *mapping = (struct mapping){
        .location = config->rewrite.location,
        .cookies = config->rewrite.cookies,
        .origin = config->rewrite.origin,
        .client = own,
        .target = {.is_https = target->is_https, .authority = slice_of(route->host)},
        .address = {.is_https = target->is_https, .authority = slice_of(target->authority)},
        .prefix = stripped_prefix(route),
        .base = slice_of(target->base_path),
    };
    if (request->authority.len > 0)
        mapping->client.authority = request->authority;
    return true;
}

enum mapped {
    NOT_MAPPED,
    MAPPED_URI,
    MAPPED_REFRESH,
    MAPPED_LINK,
    MAPPED_SET_COOKIE,
    MAPPED_ORIGIN,
    MAPPED_REFERER,
    MAPPED_COOKIE
};

static enum mapped identify_response_field(const struct mapping *mapping,
                                           const struct http_field *field)
{
    if (mapping->location) {
        if (http_field_is(field, "Location") || http_field_is(field, "Content-Location"))
            return MAPPED_URI;
        if (http_field_is(field, "Refresh"))
            return MAPPED_REFRESH;
        if (http_field_is(field, "Link"))
            return MAPPED_LINK;
    }
    return mapping->cookies && http_field_is(field, "Set-Cookie") ? MAPPED_SET_COOKIE : NOT_MAPPED;
}

static enum mapped identify_request_field(const struct mapping *mapping,
                                          const struct http_field *field)
{
    if (mapping->origin && http_field_is(field, "Origin"))
        return MAPPED_ORIGIN;
    if (mapping->origin && http_field_is(field, "Referer"))
        return MAPPED_REFERER;
    return mapping->cookies && http_field_is(field, "Cookie") ? MAPPED_COOKIE : NOT_MAPPED;
}

static void add_value(const struct mapping *mapping, enum mapped kind, struct slice value,
                      struct buffer *out)
{
    switch (kind) {
    case NOT_MAPPED:
        break;
    case MAPPED_URI:
        location_map_uri(mapping, value, out);
        break;
    case MAPPED_REFRESH:
        location_map_refresh(mapping, value, out);
        break;
    case MAPPED_LINK:
        location_map_link(mapping, value, out);
        break;
    case MAPPED_SET_COOKIE:
        cookie_map(mapping, value, out);
        break;
    case MAPPED_ORIGIN:
        location_unmap_origin(mapping, value, out);
        break;
    case MAPPED_REFERER:
        location_unmap_uri(mapping, value, out);
        break;
    case MAPPED_COOKIE:
        cookie_unmap(value, out);
        break;
    }
}

/* The line as it came, but for the value within it. */
static bool add_line(const struct mapping *mapping, enum mapped kind,
                     const struct http_field *field, struct buffer *out)
{
    size_t before = (size_t)(field->value.at - field->line.at);
    size_t behind = before + field->value.len;

    if (kind == NOT_MAPPED)
        return false;
    buffer_add(out, (struct slice){field->line.at, before});
    add_value(mapping, kind, field->value, out);
    buffer_add(out, (struct slice){field->line.at + behind, field->line.len - behind});
    return true;
}

bool localhost_add_request_field(const struct mapping *mapping, const struct http_field *field,
                                 struct buffer *out)
{
    return mapping != NULL && add_line(mapping, identify_request_field(mapping, field), field, out);
}

bool localhost_add_response_field(const struct mapping *mapping, const struct http_field *field,
                                  struct buffer *out)
{
    return mapping != NULL &&
           add_line(mapping, identify_response_field(mapping, field), field, out);
}
