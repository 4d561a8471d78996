/* wait: how a child waits on its sockets: with a deadline, and woken when the master asks it to
 * drain (SIGTERM). */
#ifndef AUTHBRIDGE_WAIT_H
#define AUTHBRIDGE_WAIT_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

/* The outcome of a non-blocking read or write. */
enum io_result {
    IO_OK,     /* some octets went */
    IO_AGAIN,  /* none could go now: wait */
    IO_END,    /* the other side has ended its direction */
    IO_FAILED, /* the connection is broken */
};

/* Takes SIGTERM for the request to drain, and ignores SIGPIPE. Once per child. */
void wait_init(void);

/* Whether the child has been asked to end after the exchange at hand. */
bool wait_is_draining(void);

/* Waits for any of the sockets until the deadline (clock_now_ms). The number that is ready, 0
 * when the deadline has passed, -1 when a request to drain came. */
int wait_ready(struct pollfd *sockets, size_t count, long long deadline);

/* Whether the peer of a connected socket has left. One that has only ended its own direction is
 * given some time: it may still be reading. *ended_ms is when that was first seen, 0 before. */
bool wait_peer_is_gone(int fd, long long patience_ms, long long *ended_ms);

/* How many octets written to the socket its peer's kernel has not acknowledged; fewer than at the
 * last look means that some have moved. */
int wait_unacknowledged(int fd);

/* How many of them have not left yet, because the peer takes no more now. 0 where the kernel does
 * not tell. */
int wait_unsent(int fd);

#endif
