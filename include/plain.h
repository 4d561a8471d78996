/* plain: octets of a connected socket without TLS. A receive may wait for a moment by itself, which
 * saves the poll(2) before it. */
#ifndef AUTHBRIDGE_PLAIN_H
#define AUTHBRIDGE_PLAIN_H

#include <stdbool.h>
#include <stddef.h>

#include "slice.h"
#include "wait.h"

#define PLAIN_WAIT_MS 20 /* at most, in one receive */

/* Makes the socket ready for plain_receive with waits. false with errno. */
bool plain_prepare(int fd);

/* Move octets; *moved says how many. errno after IO_FAILED. IO_AGAIN after a wait that a signal or
 * its time has ended, too. */
enum io_result plain_receive(int fd, char *at, size_t cap, bool waits, size_t *moved);
enum io_result plain_send(int fd, struct slice octets, size_t *moved);

#endif
