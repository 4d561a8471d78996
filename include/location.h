/* location: the URIs in fields, turned from the target's view into the client's, and back. Pure:
 * slices in, octets out. What is not of the origin in question, and what cannot be read, is
 * appended octet by octet as it is. */
#ifndef AUTHBRIDGE_LOCATION_H
#define AUTHBRIDGE_LOCATION_H

#include "mapping.h"

/* A URI reference of a response. One of the target's origin gets the client's in its place; path,
 * query and fragment stay, but for the prefix that a route strips and the target's base path.
 * References without an origin are mapped where their path must be. */
void location_map_uri(const struct mapping *mapping, struct slice uri, struct buffer *out);

/* The URI in a value of Refresh ("5; url=...", as HTML reads it). */
void location_map_refresh(const struct mapping *mapping, struct slice value, struct buffer *out);

/* The targets of a value of Link (RFC 8288 3): each <...> at the front of an element. */
void location_map_link(const struct mapping *mapping, struct slice value, struct buffer *out);

/* A request's Origin: the client's own becomes the target's. */
void location_unmap_origin(const struct mapping *mapping, struct slice value, struct buffer *out);

/* A request's Referer, the same way. */
void location_unmap_uri(const struct mapping *mapping, struct slice uri, struct buffer *out);

#endif
