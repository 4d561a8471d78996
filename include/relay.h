/* relay: one exchange with the target: request up, response down, full duplex, in one loop over
 * both sockets, with every deadline that holds meanwhile. */
#ifndef AUTHBRIDGE_RELAY_H
#define AUTHBRIDGE_RELAY_H

#include <stdbool.h>

#include "download.h"
#include "relay_buffers.h"
#include "upload.h"

enum relay_result {
    RELAY_DONE,        /* the response has been delivered */
    RELAY_SWITCHED,    /* 101 has been delivered: octets go both ways from here */
    RELAY_CLIENT_GONE, /* the client left, or takes nothing any more */
    RELAY_STALE,       /* the target closed a reused connection before any octet of an answer */
    RELAY_FAILED,      /* fault holds the answer; nothing of a final response was sent */
    RELAY_REFUSED,     /* 401 to a request that can be sent again: held, the client got nothing */
    RELAY_CUT,         /* the response ended early: the client must see that */
};

struct relay {
    struct upload upload;
    struct download download;
    struct fault fault;
    long long head_us; /* when the target's final head had come (clock_now_us), 0 before */
};

/* Relays one request on a connected upstream. The request's head stands in buffers->up. */
enum relay_result relay_run(struct relay *relay, const struct config_route *route,
                            const struct http_request *request, const struct value_context *context,
                            struct client *client, struct upstream *upstream,
                            struct relay_buffers *buffers);

/* After RELAY_REFUSED, one of the two: sends the request again, whose head stands in buffers->up
 * anew, with the content that was kept, on an upstream connected anew; its answer is the client's,
 * whatever it is. Or goes on with the answer that was held. */
enum relay_result relay_run_again(struct relay *relay, struct relay_buffers *buffers);
enum relay_result relay_release(struct relay *relay, struct relay_buffers *buffers);

/* Whether the client's content, if there is any, has been taken: relay_run_again has it, and sends
 * it without being asked to (RFC 9110 10.1.1). */
bool relay_has_content(const struct relay *relay);

#endif
