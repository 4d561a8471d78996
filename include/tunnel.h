/* tunnel: octets both ways after 101, each direction ended by itself (RFC 9110 7.8). */
#ifndef AUTHBRIDGE_TUNNEL_H
#define AUTHBRIDGE_TUNNEL_H

#include <stdbool.h>

#include "buffer.h"
#include "client.h"
#include "upstream.h"

struct tunnel_count {
    unsigned long long up, down; /* octets delivered each way */
};

/* Carries octets until both directions have ended, or none moved for idle_ms. A direction that
 * breaks is given up, and what comes the other way is still delivered. What the client has sent
 * already is in its buffer, what the target has sent already is in down; up is empty and is used on
 * the way to the target. false when a direction broke: both peers should see that. */
bool tunnel_run(struct client *client, struct upstream *upstream, struct buffer *up,
                struct buffer *down, long long idle_ms, struct tunnel_count *count);

#endif
