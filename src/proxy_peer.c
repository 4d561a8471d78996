/* proxy_peer: the beginning of a connection that a load balancer opened. */
#include "proxy_peer.h"

#include <errno.h>
#include <sys/socket.h>

#include "clock.h"
#include "log.h"
#include "proxy_header.h"
#include "wait.h"

#define DRAIN_HEADER_MS 3000 /* as for a first request that is still on its way */

_Static_assert(CLIENT_CONTENT_BYTES >= PROXY_HEADER_BYTES_MAX - 1024,
               "the client's buffer has room for the longest header: heads have 1K at least");

enum introduction {
    INTRODUCED,
    WAITING,
    SILENT, /* the peer left without a word, as one does that only looks whether we listen */
    REFUSED,
};

static enum introduction refuse(struct proxy_header *header, const char *fault)
{
    header->fault = fault;
    return REFUSED;
}

static ssize_t receive(int fd, char *at, size_t cap, int flags)
{
    ssize_t len;

    do
        len = recv(fd, at, cap, flags | MSG_DONTWAIT);
    while (len < 0 && errno == EINTR);
    return len;
}

/* Octets are looked at first and then taken, so that what follows the header stays in the socket
 * for whoever reads the connection's own protocol. */
static enum introduction receive_header(int fd, struct buffer *space, struct proxy_header *header)
{
    char *end = space->at + space->end;

    ssize_t seen = receive(fd, end, buffer_room(space), MSG_PEEK);
    if (seen < 0 && errno == EAGAIN)
        return WAITING;
    if (seen <= 0)
        return space->end == 0 ? SILENT : refuse(header, "the connection ended within it");
    size_t take = (size_t)seen;
    enum proxy_header_progress progress = proxy_header_parse(header, space->at, space->end + take);
    if (progress == PROXY_HEADER_BAD)
        return REFUSED;
    if (progress == PROXY_HEADER_COMPLETE)
        take = header->length - space->end;
    if (receive(fd, end, take, 0) != (ssize_t)take)
        return refuse(header, "the connection broke");
    space->end += take;
    return progress == PROXY_HEADER_COMPLETE ? INTRODUCED : WAITING;
}

static enum introduction wait_for_header(struct client *client, long long timeout_ms,
                                         struct proxy_header *header)
{
    struct pollfd socket = {.fd = client->fd, .events = POLLIN};
    long long deadline = clock_now_ms() + timeout_ms;
    enum introduction result;

    while ((result = receive_header(client->fd, &client->in, header)) == WAITING) {
        int ready = wait_ready(&socket, 1, deadline);
        if (ready == 0)
            return refuse(header, "it did not come in time (request_head)");
        long long soon = clock_now_ms() + DRAIN_HEADER_MS;
        if (ready < 0 && soon < deadline)
            deadline = soon;
    }
    return result;
}

bool proxy_peer_introduce(struct client *client, long long timeout_ms)
{
    struct proxy_header header = {0};

    enum introduction result = wait_for_header(client, timeout_ms, &header);
    buffer_clear(&client->in);
    if (result == INTRODUCED && header.has_source)
        client_set_address(client, &header.source);
    else if (result == SILENT)
        log_debug("connection of %s closed: it ended without a PROXY header", client->name);
    else if (result == REFUSED)
        log_warning("connection of %s closed: no valid PROXY header: %s", client->name,
                    header.fault);
    return result == INTRODUCED;
}
