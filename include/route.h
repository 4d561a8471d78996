/* route: which route a request takes, and what its target is asked for. Pure.
 *
 * A route's path is compared octet by octet with the path as it came. Targets read paths in other
 * ways, too: they decode, merge slashes, resolve dot segments. Where routes go by path, one that
 * such a target may take for a path of another route is therefore no path of any (ROUTE_UNCLEAR).
 */
#ifndef AUTHBRIDGE_ROUTE_H
#define AUTHBRIDGE_ROUTE_H

#include "config.h"
#include "http_request.h"

enum route_choice {
    ROUTE_FOUND,
    ROUTE_NONE,
    ROUTE_DOTTED,  /* the path has a segment . or .., however it is written */
    ROUTE_UNCLEAR, /* the target may take the path for one of another route */
};

/* Sets *route to the first one that the request is for; to NULL unless there is one. */
enum route_choice route_choose(const struct config *config, const struct http_request *request,
                               const struct config_route **route);

/* What stands in the request line for the target, behind its base path: without the path that the
 * route takes off. *needs_slash: a "/" must stand before it. */
struct slice route_target(const struct config_route *route, const struct http_request *request,
                          bool *needs_slash);

#endif
