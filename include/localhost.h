/* localhost: [rewrite]: a target that is made to look like the client's own: which fields are
 * mapped, and between whom. Pure: octets in, octets out. */
#ifndef AUTHBRIDGE_LOCALHOST_H
#define AUTHBRIDGE_LOCALHOST_H

#include "config.h"
#include "http_field.h"
#include "http_request.h"
#include "mapping.h"

/* Who the client and the target are to each other, for one request. own is how the listener calls
 * itself: its scheme counts, and its authority where the client names none. The mapping points into
 * its arguments. false when nothing is to be mapped. */
bool localhost_begin(const struct config_route *route, const struct http_request *request,
                     struct origin own, struct mapping *mapping);

/* Appends the line of a request's field if it is one that is mapped: Origin, Referer, Cookie.
 * false, with nothing appended, for all others. mapping may be NULL: none is. */
bool localhost_add_request_field(const struct mapping *mapping, const struct http_field *field,
                                 struct buffer *out);

/* The same for a response: Location, Content-Location, Refresh, Link, Set-Cookie. */
bool localhost_add_response_field(const struct mapping *mapping, const struct http_field *field,
                                  struct buffer *out);

#endif
