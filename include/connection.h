/* connection: a child's life: it prepares itself, serves the exchanges of one client connection
 * after another as it gets them, and ends. */
#ifndef AUTHBRIDGE_CONNECTION_H
#define AUTHBRIDGE_CONNECTION_H

#include <stdbool.h>

#include "config.h"
#include "handover.h"
#include "trust.h"
#include "upstreams.h"

/* Why a child ended, as its exit status tells the master. */
enum connection_exit {
    CONNECTION_SERVED = 0,     /* the connection ended as it should */
    CONNECTION_NO_MEMORY = 20, /* its buffers, or descriptors, could not be had */
    CONNECTION_LEAKED = 22,    /* checking builds only: memory was lost */
};

/* Makes this process ready to serve connections, and libcurl ready in it. Ends the process when
 * memory is short. The configuration must stay. The transport, for who connects it ahead. */
struct upstreams *connection_prepare(const struct config *config, const struct trust *trust);

/* Serves a connection to its end, after connection_prepare. is_last: no other will follow. */
void connection_serve(const struct accepted *accepted, bool is_last);

/* Wipes what a connection has left in memory, before the next one is served. */
void connection_wipe(void);

/* Ends a child without what exit() would do on behalf of the master; checking builds look for
 * leaked memory first. */
_Noreturn void connection_exit(enum connection_exit code);

#endif
