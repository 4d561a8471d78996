/* rewrite: the head that goes to the target and the head that goes to the client, made from the
 * ones that came (RFC 9110 7.6). Pure: octets in, octets out. Fields that are not touched keep
 * their order, case, duplicates and every octet of their line. */
#ifndef AUTHBRIDGE_REWRITE_H
#define AUTHBRIDGE_REWRITE_H

#include <stdbool.h>

#include "buffer.h"
#include "config.h"
#include "http_request.h"
#include "http_response.h"

/* Whether a request's field of that name is for the bridge alone: with users, its credentials. */
bool rewrite_keeps_here(const struct config *config, struct slice name);

/* Room that a rewritten head may need besides the head it is made from and the injected fields:
 * request line, Host, framing, Connection, Date. */
#define REWRITE_EXTRA_BYTES 8192u

/* Appends the head for the target: base path before the target, Host set, hop-by-hop fields out,
 * framing canonical, configured fields in. false when out is too small. */
bool rewrite_request(const struct http_request *request, const struct config_route *route,
                     const struct value_context *context, struct buffer *out);

/* What becomes of the client's connection after a response. */
enum rewrite_persistence { REWRITE_KEEP, REWRITE_CLOSE };

/* Appends the head for the client: status line as HTTP/1.1, hop-by-hop fields out, configured
 * fields in, Date where there was none, our Connection. For a 1.0 client Transfer-Encoding goes
 * too. An interim response gets only the first two. false when out is too small. */
bool rewrite_response(const struct http_response *response, const struct http_request *request,
                      const struct config_route *route, const struct value_context *context,
                      enum rewrite_persistence persistence, struct buffer *out);

/* Appends those of the trailer lines that may go on to the target: no framing, no connection
 * fields, none that the configuration or the bridge sets (RFC 9110 6.5.1). */
bool rewrite_trailers(struct slice lines, const struct http_request *request,
                      const struct config_route *route, const struct value_context *context,
                      struct buffer *out);

#endif
