/* host_guard: whether a request was made for this bridge, and not for a name that somebody else has
 * made point to it, so that a page of theirs could read the answers (DNS rebinding). Pure. */
#ifndef AUTHBRIDGE_HOST_GUARD_H
#define AUTHBRIDGE_HOST_GUARD_H

#include <stdbool.h>

#include "config.h"
#include "http_request.h"

/* Whether the request's Host is to be looked at: always where hosts is set, else where a browser
 * may have sent it, for the danger needs one. */
bool host_guard_applies(const struct config *config, const struct http_request *request);

/* Whether the bridge goes by that authority, on a connection that came in on the address local;
 * NULL: whatever that may be. Without hosts any IP address will do: no name server has a say in
 * where it leads. */
bool host_guard_admits(const struct config *config, struct slice authority,
                       const struct address *local);

#endif
