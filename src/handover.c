/* handover: a client's connection on its way from the master to a child. */
#include "handover.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* Room for one descriptor, aligned as a header must be (cmsg(3)). */
union rights {
    char space[CMSG_SPACE(sizeof(int))];
    struct cmsghdr aligned;
};

bool handover_open(int ends[2])
{
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0;
}

bool handover_send(int channel, const struct accepted *accepted)
{
    union rights rights = {{0}};
    struct iovec content = {(void *)accepted, sizeof *accepted};
    struct msghdr message = {
        .msg_iov = &content,
        .msg_iovlen = 1,
        .msg_control = rights.space,
        .msg_controllen = sizeof rights.space,
    };
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    ssize_t sent;

    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof accepted->fd);
    memcpy(CMSG_DATA(header), &accepted->fd, sizeof accepted->fd);
    do
        sent = sendmsg(channel, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent == (ssize_t)sizeof *accepted;
}

/* The descriptor in a message, -1 without one. */
static int descriptor_in(struct msghdr *message)
{
    const struct cmsghdr *header = CMSG_FIRSTHDR(message);
    int fd;

    if (header == NULL || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS ||
        header->cmsg_len != CMSG_LEN(sizeof fd))
        return -1;
    memcpy(&fd, CMSG_DATA(header), sizeof fd);
    return fd;
}

enum handover handover_receive(int channel, struct accepted *accepted)
{
    union rights rights;
    struct iovec content = {accepted, sizeof *accepted};
    struct msghdr message = {
        .msg_iov = &content,
        .msg_iovlen = 1,
        .msg_control = rights.space,
        .msg_controllen = sizeof rights.space,
    };
    ssize_t got;

    do
        got = recvmsg(channel, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got < 0 && errno == EAGAIN)
        return HANDOVER_NONE;
    accepted->fd = got == (ssize_t)sizeof *accepted ? descriptor_in(&message) : -1;
    return accepted->fd >= 0 ? HANDOVER_TAKEN : HANDOVER_END;
}
