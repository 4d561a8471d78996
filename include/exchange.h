/* exchange: one request and its response, from the first octet of one to the last of the other. */
#ifndef AUTHBRIDGE_EXCHANGE_H
#define AUTHBRIDGE_EXCHANGE_H

#include <stdbool.h>

#include "client.h"
#include "config.h"
#include "relay.h"
#include "upstreams.h"

/* What one connection keeps from exchange to exchange. */
struct exchange_context {
    const struct config *config;
    struct client *client;
    struct upstreams *upstreams;
    struct relay_buffers *buffers;
    struct address local; /* where the connection came in, once that has been asked for */
    bool allowed;         /* the client's address may use the bridge */
    bool trusted;         /* what the client says of others counts */
    bool is_first;        /* no request has come on this connection yet */
    long long began_ms;   /* since when the first one is waited for */
};

enum exchange_result {
    EXCHANGE_KEEP,  /* another request may come */
    EXCHANGE_CLOSE, /* close in stages: unread octets may come */
    EXCHANGE_ABORT, /* the client is gone, or must be given up */
    EXCHANGE_RESET, /* the response was cut where a plain end would look complete */
};

/* Waits for one request, serves it and logs it. */
enum exchange_result exchange_serve(struct exchange_context *context);

#endif
