/* method_guard: keeps methods that a route does not serve from its target, also where a request
 * names one elsewhere: frameworks take a method from X-HTTP-Method-Override and its kin, and from
 * a query's _method, in place of the request line's. Pure. */
#ifndef AUTHBRIDGE_METHOD_GUARD_H
#define AUTHBRIDGE_METHOD_GUARD_H

#include <stdbool.h>

#include "config.h"
#include "http_request.h"

enum method_verdict {
    METHOD_SERVED,
    METHOD_REFUSED,
    METHOD_OVERRIDE_REFUSED, /* the request would have the target take it for another one */
};

enum method_verdict method_guard_judge(const struct config_route *route,
                                       const struct http_request *request);

/* What Allow says of a route; of the bridge itself without one. */
const char *method_guard_allow(const struct config *config, const struct config_route *route);

/* Whether a field of that name would have the target take a request for one of another method. */
bool method_guard_is_override(struct slice name);

#endif
