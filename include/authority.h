/* authority: host[:port] as requests and settings write it (RFC 3986 3.2): taken apart, compared,
 * matched. Pure; what is given is known to be an authority (http_is_authority). */
#ifndef AUTHBRIDGE_AUTHORITY_H
#define AUTHBRIDGE_AUTHORITY_H

#include <stdbool.h>

#include "address.h"
#include "slice.h"

struct authority {
    struct slice host; /* without brackets, and without a dot at its end */
    struct slice port; /* empty: none */
};

struct authority authority_split(struct slice text);

/* Whether both have the same host: case aside, and IP addresses however they are written. */
bool authority_same_host(struct slice a, struct slice b);

/* Whether the host is an IP address, in the form in which browsers send one; and which, its port
 * being 0. */
bool authority_is_address(struct slice text, struct address *address);

/* Whether it is localhost or a name below it, which never leads to another machine (RFC 6761 6.3).
 */
bool authority_is_localhost(struct slice text);

/* Whether the text can be a pattern: "*", "name", "name:port", "*.suffix", "*.suffix:port", where
 * a name may be an IP address. */
bool authority_is_pattern(struct slice text);

/* Whether the pattern stands for that authority. Without a port in the pattern any will do; one
 * that the authority does not have is that of http or https. */
bool authority_matches(struct slice text, struct slice pattern);

#endif
