/* handover: a client's connection on its way from the master to a child that was made ahead: the
 * socket as SCM_RIGHTS (unix(7)), the client's address beside it, in one message. */
#ifndef AUTHBRIDGE_HANDOVER_H
#define AUTHBRIDGE_HANDOVER_H

#include <stdbool.h>

#include "address.h"
#include "client_counts.h"

/* A connection as it was accepted. */
struct accepted {
    int fd; /* connected, non-blocking; -1: none */
    struct address peer;
    struct client_key client; /* as whose it is counted; nobody's where a load balancer connects */
    bool proxy_protocol;      /* the peer sends a PROXY header first (proxy_header.h) */
    bool tls;                 /* the client speaks TLS, after such a header */
};

/* Opens a channel: the master writes to ends[0], the child reads from ends[1]. false with errno. */
bool handover_open(int ends[2]);

/* Sends a connection, whose socket stays open here. Never waits; false when the other side has
 * ended, or with errno. */
bool handover_send(int channel, const struct accepted *accepted);

enum handover {
    HANDOVER_TAKEN, /* *accepted is ours now */
    HANDOVER_NONE,  /* nothing has come yet */
    HANDOVER_END,   /* nothing will come any more */
};

/* Takes what has come, without waiting. */
enum handover handover_receive(int channel, struct accepted *accepted);

#endif
