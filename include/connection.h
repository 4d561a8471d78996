/* connection: a child's life: it serves the exchanges of one client connection, closes it, and
 * ends. */
#ifndef AUTHBRIDGE_CONNECTION_H
#define AUTHBRIDGE_CONNECTION_H

#include <stdbool.h>

#include "address.h"
#include "config.h"
#include "trust.h"

/* A connection as it was accepted. */
struct accepted {
    int fd; /* connected, non-blocking; -1: none */
    struct address peer;
    bool proxy_protocol; /* the peer sends a PROXY header first (proxy_header.h) */
};

/* Why a child ended, as its exit status tells the master. */
enum connection_exit {
    CONNECTION_SERVED = 0,     /* the connection ended as it should */
    CONNECTION_NO_MEMORY = 20, /* its buffers could not be had */
    CONNECTION_ORPHANED = 21,  /* the master ended meanwhile */
    CONNECTION_LEAKED = 22,    /* checking builds only: memory was lost */
};

/* Serves a connection in this process, which was forked for it, and ends the process. */
_Noreturn void connection_serve(const struct accepted *accepted, const struct config *config,
                                const struct trust *trust);

/* Ends a child without what exit() would do on behalf of the master; checking builds look for
 * leaked memory first. */
_Noreturn void connection_exit(enum connection_exit code);

#endif
