/* mapping: one server seen from two sides. */
#include "mapping.h"

#include <string.h>

bool mapping_changes_paths(const struct mapping *mapping)
{
    return mapping->prefix.len > 0 || mapping->base.len > 0;
}

bool mapping_is_target(const struct mapping *mapping, struct origin origin)
{
    return origin_equals(origin, mapping->target) || origin_equals(origin, mapping->address);
}

/* Takes a front of whole segments off a path. */
static bool take_segments(struct slice *path, struct slice front)
{
    if (path->len < front.len || (front.len > 0 && memcmp(path->at, front.at, front.len) != 0))
        return false;
    struct slice rest = {path->at + front.len, path->len - front.len};
    if (front.len > 0 && rest.len > 0 && !origin_ends_segment(rest.at[0]))
        return false;
    *path = rest;
    return true;
}

static bool begins_with_slash(struct slice path)
{
    return path.len > 0 && path.at[0] == '/';
}

bool mapping_add_client_path(const struct mapping *mapping, struct slice path, struct buffer *out)
{
    struct slice rest = path;

    if (!take_segments(&rest, mapping->base))
        return false;
    buffer_add(out, mapping->prefix);
    if (mapping->prefix.len == 0 && begins_with_slash(path) && !begins_with_slash(rest))
        buffer_add_text(out, "/"); /* without it the reference would be a relative one */
    buffer_add(out, rest);
    return true;
}

/* Whether a cookie's path holds for all that the client can reach. */
static bool covers_base(struct slice path, struct slice base)
{
    if (path.len > 0 && path.at[path.len - 1] == '/')
        path.len--;
    return take_segments(&base, path);
}

void mapping_add_cookie_path(const struct mapping *mapping, struct slice path, struct buffer *out)
{
    if (covers_base(path, mapping->base))
        buffer_add(out, mapping->prefix.len > 0 ? mapping->prefix : slice_of("/"));
    else if (!mapping_add_client_path(mapping, path, out)) {
        buffer_add(out, mapping->prefix);
        buffer_add(out, path);
    }
}

void mapping_add_target_path(const struct mapping *mapping, struct slice path, struct buffer *out)
{
    struct slice rest = path;

    if (!take_segments(&rest, mapping->prefix)) {
        buffer_add(out, path);
        return;
    }
    buffer_add(out, mapping->base);
    if (mapping->base.len == 0 && begins_with_slash(path) && !begins_with_slash(rest))
        buffer_add_text(out, "/");
    buffer_add(out, rest);
}

bool mapping_looks_like_authority(struct slice path)
{
    return path.len > 1 && path.at[0] == '/' && (path.at[1] == '/' || path.at[1] == '\\');
}
