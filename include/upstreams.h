/* upstreams: a child's connections to targets: one for each distinct target, set up when it is
 * first used and kept while the client's connection lasts. */
#ifndef AUTHBRIDGE_UPSTREAMS_H
#define AUTHBRIDGE_UPSTREAMS_H

#include <stdbool.h>

#include "config.h"
#include "trust.h"
#include "upstream.h"

/* Set up at a time, each with a connection or without; beyond that the one that has been idle for
 * longest makes room. */
#define UPSTREAMS_MAX 8u

/* Descriptors that each takes: a connection, and libcurl's own two. */
#define UPSTREAM_DESCRIPTORS 3u

struct upstreams {
    const struct config *config;
    const struct trust *trust;
    bool is_ready;            /* without that no target can be reached */
    struct upstream *items;   /* by target_index */
    unsigned long long *used; /* when each was turned to; 0: it is not set up */
    unsigned long long uses;
    struct upstream *current; /* the one that was turned to last; NULL: none */
};

/* Makes libcurl ready in this process, for the configuration's targets. false, as is_ready says
 * from then on, when memory is short. */
bool upstreams_init(struct upstreams *upstreams, const struct config *config,
                    const struct trust *trust);

/* Turns to the route's target, which is then the current one. */
struct upstream *upstreams_take(struct upstreams *upstreams, const struct config_route *route);

/* Turns to the target that a client who has not come yet will most likely want: the one of [proxy],
 * the only one, or the one that was used last by any child. */
struct upstream *upstreams_take_likely(struct upstreams *upstreams);

/* Ends all connections; or, where another client may come, all but the current one, unless that
 * belongs to the client who has gone. */
void upstreams_drop(struct upstreams *upstreams, bool is_last);

#endif
