/* plain: octets of a connected socket without TLS. */
#include "plain.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/time.h>

/* Blocking, so that a receive can wait; what must not wait says so itself. */
bool plain_prepare(int fd)
{
    const struct timeval wait = {.tv_usec = PLAIN_WAIT_MS * 1000L};
    int flags = fcntl(fd, F_GETFL);

    return flags >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) == 0 &&
           fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) == 0;
}

static enum io_result result_of(ssize_t len, size_t *moved)
{
    if (len < 0)
        return errno == EAGAIN || errno == EINTR ? IO_AGAIN : IO_FAILED;
    *moved = (size_t)len;
    return IO_OK;
}

enum io_result plain_receive(int fd, char *at, size_t cap, bool waits, size_t *moved)
{
    *moved = 0;
    enum io_result result = result_of(recv(fd, at, cap, waits ? 0 : MSG_DONTWAIT), moved);
    return result == IO_OK && *moved == 0 && cap > 0 ? IO_END : result;
}

enum io_result plain_send(int fd, struct slice octets, size_t *moved)
{
    *moved = 0;
    return result_of(send(fd, octets.at, octets.len, MSG_DONTWAIT | MSG_NOSIGNAL), moved);
}
