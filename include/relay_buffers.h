/* relay_buffers: the buffers of a connection, in the sizes that its configuration can need. */
#ifndef AUTHBRIDGE_RELAY_BUFFERS_H
#define AUTHBRIDGE_RELAY_BUFFERS_H

#include <stdbool.h>

#include "buffer.h"
#include "config.h"

/* The buffers of a connection, used by one exchange after another. */
struct relay_buffers {
    struct buffer up;   /* to the target */
    struct buffer down; /* from the target */
    struct buffer out;  /* to the client: heads and decoded content */
    struct buffer kept; /* content that may have to be sent again; without room where none may */
};

/* Allocates them for the configuration's sizes, whatever the route. false when memory is short. */
bool relay_buffers_init(struct relay_buffers *buffers, const struct config *config);

/* Wipes what exchanges have left in them. */
void relay_buffers_wipe(struct relay_buffers *buffers);

#endif
