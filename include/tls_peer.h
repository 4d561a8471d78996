/* tls_peer: the beginning of a connection to a listener with TLS: the handshake. */
#ifndef AUTHBRIDGE_TLS_PEER_H
#define AUTHBRIDGE_TLS_PEER_H

#include <stdbool.h>

#include "client.h"
#include "listen_tls.h"

/* Makes the client's connection one with TLS, until the deadline at most. false when that cannot
 * be: the client has been told, by TLS or, where it speaks plain HTTP, by an answer; it has been
 * logged and counted; and the connection is to be closed in stages. */
bool tls_peer_introduce(struct client *client, const struct listen_tls *listen, long long deadline);

#endif
