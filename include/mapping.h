/* mapping: one server seen from two sides: by itself, and by a client to whom the bridge is that
 * server. Pure. Paths of the one view are turned into those of the other. */
#ifndef AUTHBRIDGE_MAPPING_H
#define AUTHBRIDGE_MAPPING_H

#include <stdbool.h>

#include "origin.h"

struct mapping {
    bool location, cookies, origin; /* what is mapped */
    struct origin client;           /* the bridge, as this client calls it */
    struct origin target;           /* the target, by the name that it gets in Host */
    struct origin address;          /* the same, by the name under which it is connected to */
    struct slice prefix;            /* of the client's paths, taken off: "" or "/payments" */
    struct slice base;              /* put before what is left: "" or "/base" */
};

/* Whether the client's paths differ from the target's at all. */
bool mapping_changes_paths(const struct mapping *mapping);

/* Whether that origin is the target's. */
bool mapping_is_target(const struct mapping *mapping, struct origin origin);

/* Appends a path of the target's, perhaps with query and fragment, as the client must write it:
 * the base taken off, the prefix put in front. false, with nothing appended, where it is not below
 * the base: no path of the client's leads there. */
bool mapping_add_client_path(const struct mapping *mapping, struct slice path, struct buffer *out);

/* The same for the path of a cookie, which holds for all below it: one above the base is the
 * client's whole. One that no request of the client's is below is put under the prefix as it is. */
void mapping_add_cookie_path(const struct mapping *mapping, struct slice path, struct buffer *out);

/* Appends a path of the client's as the target knows it. One that is not below the prefix is left
 * as it is. */
void mapping_add_target_path(const struct mapping *mapping, struct slice path, struct buffer *out);

/* Whether a path, without its origin, could be taken for another server's: "//host", "/\host". */
bool mapping_looks_like_authority(struct slice path);

#endif
