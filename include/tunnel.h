/* tunnel: octets both ways after 101, each direction ended by itself (RFC 9110 7.8). */
#ifndef AUTHBRIDGE_TUNNEL_H
#define AUTHBRIDGE_TUNNEL_H

#include "buffer.h"
#include "client.h"
#include "upstream.h"

struct tunnel_count {
    unsigned long long up, down; /* octets delivered each way */
};

/* Carries octets until both directions have ended, one breaks, or none moved for idle_ms. What
 * the client has sent already is in its buffer, what the target has sent already is in down; up
 * is empty and is used on the way to the target. */
void tunnel_run(struct client *client, struct upstream *upstream, struct buffer *up,
                struct buffer *down, long long idle_ms, struct tunnel_count *count);

#endif
