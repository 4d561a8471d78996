/* proxy_peer: the beginning of a connection that a load balancer opened: whose it is. */
#ifndef AUTHBRIDGE_PROXY_PEER_H
#define AUTHBRIDGE_PROXY_PEER_H

#include <stdbool.h>

#include "client.h"

/* Receives the PROXY header, and not one octet of what follows it, waiting for timeout_ms at most;
 * from then on the client is the one that the header names. false when there is no such header:
 * that has been logged, and the connection is to be closed without an answer. */
bool proxy_peer_introduce(struct client *client, long long timeout_ms);

#endif
