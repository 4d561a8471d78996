/* route: which route a request takes, and what its target is asked for. */
#include "route.h"

#include <string.h>

#include "authority.h"
#include "http_field.h"

/* ---- paths as targets may read them ---- */

#define DECODINGS 2 /* some decode twice */

/* Octets from which percent-encoding is taken as often as its level says. */
struct decoder {
    struct slice left;
    int ahead[DECODINGS][2]; /* read by a level, and given back */
    int ahead_count[DECODINGS];
};

static int next_raw(struct decoder *decoder)
{
    if (decoder->left.len == 0)
        return -1;
    decoder->left.len--;
    return (unsigned char)*decoder->left.at++;
}

/* The next octet below a level: one that was given back first. */
static int next_below(struct decoder *decoder, int level, int (*next)(struct decoder *))
{
    int *ahead = decoder->ahead[level];

    if (decoder->ahead_count[level] == 0)
        return next(decoder);
    int c = ahead[0];
    ahead[0] = ahead[1];
    decoder->ahead_count[level]--;
    return c;
}

static int digit_of(int c)
{
    return c >= 0 ? http_hex_digit((char)c) : -1;
}

/* The next octet, decoded once. -1 at the end. */
static int decode(struct decoder *decoder, int level, int (*next)(struct decoder *))
{
    int c = next_below(decoder, level, next);

    if (c != '%')
        return c;
    int high = next_below(decoder, level, next);
    int low = high >= 0 ? next_below(decoder, level, next) : -1;
    if (digit_of(high) >= 0 && digit_of(low) >= 0)
        return digit_of(high) * 16 + digit_of(low);
    decoder->ahead[level][0] = high;
    decoder->ahead[level][1] = low;
    decoder->ahead_count[level] = (high >= 0) + (low >= 0);
    return c;
}

static int next_once(struct decoder *decoder)
{
    return decode(decoder, 0, next_raw);
}

static int next_decoded(struct decoder *decoder)
{
    return decode(decoder, 1, next_once);
}

static bool is_separator(int c)
{
    return c == '/' || c == '\\';
}

/* Takes a segment up to the separator behind it: without its parameters, cut to what out has room
 * for. false at the end of the path. */
static bool take_segment(struct decoder *decoder, struct buffer *out, bool *is_dots)
{
    size_t len = 0;
    bool in_parameters = false;
    bool only_dots = true;
    int c;

    while ((c = next_decoded(decoder)) >= 0 && !is_separator(c)) {
        in_parameters = in_parameters || c == ';';
        if (in_parameters)
            continue;
        only_dots = only_dots && c == '.';
        if (len++ == 0)
            buffer_add_text(out, "/"); /* empty segments are left out */
        buffer_add(out, (struct slice){&(const char){(char)c}, 1});
    }
    *is_dots = only_dots && (len == 1 || len == 2);
    return c >= 0;
}

/* Writes the path in the form to which the most lenient target would bring it; cut where out ends.
 * false when it has a dot segment. */
static bool simplify(struct slice path, struct buffer *out)
{
    struct decoder decoder = {.left = path};
    bool is_dots;
    bool goes_on;

    do {
        goes_on = take_segment(&decoder, out, &is_dots);
        if (is_dots)
            return false;
    } while (goes_on);
    if (buffer_length(out) == 0)
        buffer_add_text(out, "/");
    return true;
}

/* Whether nothing in a path can be read in two ways. */
static bool is_simple(struct slice path)
{
    for (size_t i = 0; i < path.len; i++) {
        char c = path.at[i];
        if (c == '%' || c == '\\' || c == ';')
            return false;
        if (c == '/' && i + 1 < path.len && (path.at[i + 1] == '/' || path.at[i + 1] == '.'))
            return false;
    }
    return true;
}

/* ---- matching ---- */

static struct slice path_of(const struct http_request *request)
{
    struct slice path = request->target;
    const char *query = path.len > 0 ? memchr(path.at, '?', path.len) : NULL;

    if (query != NULL)
        path.len = (size_t)(query - path.at);
    return request->rootless ? slice_of("/") : path;
}

static bool matches_path(const struct config_route *route, struct slice path)
{
    if (route->match_path == NULL)
        return true;
    struct slice match = slice_of(route->match_path);
    if (match.len == 1)
        return path.len > 0 && path.at[0] == '/';
    return path.len >= match.len && memcmp(path.at, match.at, match.len) == 0 &&
           (path.len == match.len || path.at[match.len] == '/');
}

/* The client's port counts where the route has one. */
static bool matches_host(const struct config_route *route, struct slice authority)
{
    if (route->match_host == NULL)
        return true;
    if (authority.len == 0 || !authority_same_host(authority, slice_of(route->match_host)))
        return false;
    struct slice port = authority_split(slice_of(route->match_host)).port;
    return port.len == 0 || slice_equals(port, authority_split(authority).port);
}

static const struct config_route *find(const struct config *config,
                                       const struct http_request *request, struct slice path)
{
    for (size_t i = 0; i < config->route_count; i++)
        if (matches_path(&config->routes[i], path) &&
            matches_host(&config->routes[i], request->authority))
            return &config->routes[i];
    return NULL;
}

enum route_choice route_choose(const struct config *config, const struct http_request *request,
                               const struct config_route **route)
{
    char space[CONFIG_MATCH_PATH_MAX + 2]; /* enough to see where a route's path ends */
    struct buffer simple = {.at = space, .cap = sizeof space};
    struct slice path = path_of(request);

    if (config->routes_by_path && !is_simple(path)) {
        *route = NULL;
        if (!simplify(path, &simple))
            return ROUTE_DOTTED;
        if (find(config, request, buffer_content(&simple)) != find(config, request, path))
            return ROUTE_UNCLEAR;
    }
    *route = find(config, request, path);
    return *route != NULL ? ROUTE_FOUND : ROUTE_NONE;
}

struct slice route_target(const struct config_route *route, const struct http_request *request,
                          bool *needs_slash)
{
    struct slice target = request->target;

    *needs_slash = request->rootless;
    if (!route->strip_path || route->match_path == NULL || strlen(route->match_path) == 1)
        return target;
    size_t len = strlen(route->match_path);
    target = (struct slice){target.at + len, target.len - len};
    *needs_slash = target.len == 0 || target.at[0] == '?';
    return target;
}
