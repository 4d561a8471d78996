/* arrival: waits for a request's head, within its deadlines, while the idle connection to the
 * target is watched. */
#ifndef AUTHBRIDGE_ARRIVAL_H
#define AUTHBRIDGE_ARRIVAL_H

#include <stdbool.h>

#include "client.h"
#include "config.h"
#include "fault.h"
#include "http_head.h"
#include "upstream.h"

struct arrival {
    const struct config *config;
    struct client *client;
    struct upstream *upstream; /* that may be idle meanwhile; NULL: none */
    struct fault *fault;       /* filled in with ARRIVAL_REFUSED */
    bool is_first;             /* no request has come on this connection yet */
    long long since_ms;        /* since when the first one is waited for */

    struct http_head head;
    const struct upstream *watched; /* whose idle connection was looked at as the request came */
    long long began_us;             /* when its first octet was seen; 0: it came with another's */
};

enum arrival_result {
    ARRIVAL_WHOLE,   /* the head is complete */
    ARRIVAL_REFUSED, /* *fault says why */
    ARRIVAL_NONE,    /* the client left, or was idle for too long, or we are draining */
};

/* Receives into the client's buffer until the head, parsed in place, is complete. */
enum arrival_result arrival_await(struct arrival *arrival);

#endif
