/* cookie: what a Set-Cookie must become for a client to whom the bridge is the server, and the
 * names of cookies on their way back (RFC 6265 4.1, 5.2). Pure: slices in, octets out. */
#ifndef AUTHBRIDGE_COOKIE_H
#define AUTHBRIDGE_COOKIE_H

#include "mapping.h"

/* Names that begin with __Host- or __Secure- bind a browser to conditions that may not hold here:
 * this is put before them, and before names that begin with it already, so that each name comes
 * back as it was. */
#define COOKIE_ALIAS "authbridge"

/* Appends the value of a Set-Cookie: without Domain, with Path as the client needs it, and for a
 * client without TLS without what demands TLS: Secure, Partitioned, SameSite=None and the
 * conditions of the name. The rest stays octet by octet, in its order. */
void cookie_map(const struct mapping *mapping, struct slice value, struct buffer *out);

/* Appends the value of a Cookie field with the names that the target has given. */
void cookie_unmap(struct slice value, struct buffer *out);

#endif
