/* listener: the sockets that clients connect to. */
#ifndef AUTHBRIDGE_LISTENER_H
#define AUTHBRIDGE_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "address.h"
#include "config.h"

struct listener {
    int fd;
    struct address address; /* as configured: its port may be 0 */
    bool proxy_protocol;    /* connections begin with a PROXY header */
    bool tls;               /* clients speak TLS, after such a header */
    dev_t device;           /* of a Unix socket's file, to know it again */
    ino_t inode;
    bool
        inherited; /* somebody else holds it, too: connections in it may wait for the next bridge */
};

struct listeners {
    struct listener *items;
    size_t count;
    struct listener *inherited; /* all of them, those too that are not listened on now */
    size_t inherited_count;
};

#define LISTENER_ERROR_BYTES 512u

/* Takes count sockets over, which listen at the addresses and whose descriptors begin with
 * first_fd. false when memory is short. */
bool listeners_inherit(struct listeners *listeners, int first_fd, const struct address *addresses,
                       size_t count);

/* Listens where the configuration says, with inherited sockets where there are such, and closes
 * what it does not want any more; what stays is not touched. On failure error says why, and nothing
 * has changed. */
bool listeners_update(struct listeners *listeners, const struct config *config,
                      char error[LISTENER_ERROR_BYTES]);

/* Opens one by itself, at its address. false when that fails: error says why. */
bool listener_open(struct listener *listener, char error[LISTENER_ERROR_BYTES]);

/* Closes one, unless it is inherited, and removes its Unix socket from the file system. */
void listener_close(const struct listener *listener);

/* Whether that is its address, and its Unix socket has not lost its file. */
bool listener_is_at(const struct listener *listener, const struct address *address);

/* Writes the address that a listener is bound to, its real port included. */
void listener_format(const struct listener *listener, char text[ADDRESS_TEXT_BYTES]);

/* Closes all, and removes Unix sockets from the file system. */
void listeners_close(struct listeners *listeners);

#endif
