/* origin: scheme, host and port: read from the front of a URI, compared, and written (RFC 3986 3,
 * RFC 6454 4). Pure: slices in, octets out. What it does not understand exactly is no origin. */
#ifndef AUTHBRIDGE_ORIGIN_H
#define AUTHBRIDGE_ORIGIN_H

#include <stdbool.h>

#include "buffer.h"
#include "slice.h"

struct origin {
    bool is_https;
    struct slice authority; /* host, perhaps with a port */
};

/* The front of a URI: http://authority, https://authority, or //authority, which takes its scheme
 * from elsewhere. */
struct origin_front {
    bool has_scheme;
    struct origin origin;
    struct slice rest; /* path, query and fragment: empty, or begins with one of "/?#" */
};

/* Takes a URI apart. false where it does not begin so, has userinfo, or an authority that is
 * none. */
bool origin_split(struct slice uri, struct origin_front *front);

/* Whether an octet ends an authority, or a segment of a path. */
bool origin_ends_segment(char c);

/* Whether both are the same server: the host's case does not count, nor whether the scheme's own
 * port is written out. */
bool origin_equals(struct origin a, struct origin b);

/* Appends "scheme://authority". */
void origin_add(struct origin origin, struct buffer *out);

/* The authority without a port that its scheme implies, as browsers write it in Origin. */
struct slice origin_short_authority(struct origin origin);

#endif
