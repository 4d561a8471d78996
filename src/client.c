/* client: the client's socket. */
#include "client.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"

#define RESET_POLL_MS 5 /* between looks at what is still on its way */
#define DRAIN_POLL_MS 500

void client_set_address(struct client *client, const struct address *address)
{
    client->address = *address;
    if (address_is_unix(address)) { /* its path, if it has one, is the client's to choose */
        snprintf(client->name, sizeof client->name, "unix:");
        snprintf(client->host, sizeof client->host, "unix:");
    } else {
        address_format(address, client->name);
        address_format_host(address, client->host);
    }
}

bool client_init(struct client *client, size_t head_bytes)
{
    *client = (struct client){.fd = -1};
    return buffer_init(&client->in, head_bytes + CLIENT_CONTENT_BYTES);
}

void client_take_over(struct client *client, int fd, const struct address *address)
{
    *client = (struct client){.fd = fd, .in = client->in};
    buffer_clear(&client->in);
    client_set_address(client, address);
}

void client_wipe(struct client *client)
{
    buffer_wipe(&client->in);
}

struct slice client_received(const struct client *client)
{
    return buffer_content(&client->in);
}

void client_take(struct client *client, size_t len)
{
    client->in.start += len;
}

void client_begin(struct client *client)
{
    client->floor = 0;
    buffer_compact(&client->in);
}

void client_pin(struct client *client, size_t len)
{
    client_take(client, len);
    client->floor = client->in.start;
}

/* Makes room behind what is received, above the floor. */
static void make_room(struct client *client)
{
    struct buffer *in = &client->in;
    size_t len = in->end - in->start;

    if (len == 0) {
        in->start = in->end = client->floor;
    } else if (in->end == in->cap && in->start > client->floor) {
        memmove(in->at + client->floor, in->at + in->start, len);
        in->start = client->floor;
        in->end = client->floor + len;
    }
}

enum io_result client_fill(struct client *client)
{
    size_t got;

    make_room(client);
    if (buffer_room(&client->in) == 0)
        return IO_AGAIN;
    enum io_result result =
        client_receive(client, client->in.at + client->in.end, buffer_room(&client->in), &got);
    client->in.end += got;
    return result;
}

/* Receives what stands in the socket, encrypted or not. */
static enum io_result receive_raw(struct client *client, char *at, size_t cap, size_t *got)
{
    ssize_t len;

    *got = 0;
    do
        len = recv(client->fd, at, cap, MSG_DONTWAIT);
    while (len < 0 && errno == EINTR);
    if (len > 0) {
        *got = (size_t)len;
        return IO_OK;
    }
    if (len < 0)
        return errno == EAGAIN ? IO_AGAIN : IO_FAILED;
    client->ended = true;
    return IO_END;
}

enum io_result client_receive(struct client *client, char *at, size_t cap, size_t *got)
{
    if (client->tls.ssl == NULL)
        return receive_raw(client, at, cap, got);
    enum io_result result = client_tls_receive(&client->tls, at, cap, got);
    client->ended = client->ended || result == IO_END;
    return result;
}

size_t client_unread_max(const struct client *client)
{
    int unread = 0;

    ioctl(client->fd, FIONREAD, &unread);
    return (size_t)unread + (client->tls.ssl != NULL ? client_tls_unread_max(&client->tls) : 0);
}

enum io_result client_send(struct client *client, const struct iovec *pieces, int count,
                           size_t *sent)
{
    struct msghdr message = {.msg_iov = (struct iovec *)pieces, .msg_iovlen = (size_t)count};
    ssize_t len;

    if (client->tls.ssl != NULL)
        return client_tls_send(&client->tls, pieces, count, sent);
    *sent = 0;
    do
        len = sendmsg(client->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (len < 0 && errno == EINTR);
    if (len < 0)
        return errno == EAGAIN ? IO_AGAIN : IO_FAILED;
    *sent = (size_t)len;
    return IO_OK;
}

bool client_send_all(struct client *client, struct slice octets, long long deadline)
{
    size_t sent;

    while (octets.len > 0) {
        struct iovec piece = {(char *)octets.at, octets.len};
        enum io_result result = client_send(client, &piece, 1, &sent);
        struct pollfd socket = {client->fd, client_poll_events(client, POLLOUT), 0};
        if (result == IO_FAILED)
            return false;
        if (result == IO_AGAIN && wait_ready(&socket, 1, deadline) == 0)
            return false;
        octets.at += sent;
        octets.len -= sent;
    }
    return true;
}

/* Follows how the client takes what is on its way. */
struct delivery {
    int octets;
    long long give_up_ms;
};

/* Whether octets are still on their way, and have moved within patience_ms. */
static bool is_delivering(const struct client *client, struct delivery *delivery,
                          long long patience_ms)
{
    int octets = wait_unacknowledged(client->fd);

    if (delivery->give_up_ms == 0 || octets < delivery->octets)
        *delivery = (struct delivery){octets, clock_now_ms() + patience_ms};
    return octets > 0 && clock_now_ms() < delivery->give_up_ms;
}

static long long smaller(long long a, long long b)
{
    return a < b ? a : b;
}

/* Reads and forgets what still comes, until the client ends, falls silent, or the time is up: a
 * client may send a whole upload before it looks for the answer that refused it. */
static void drain_client(struct client *client, long long patience_ms)
{
    struct pollfd socket = {.fd = client->fd, .events = POLLIN};
    struct delivery delivery = {0};
    long long now = clock_now_ms();
    long long enough = now + CLIENT_LINGER_MAX_MS;
    long long silent_by = now + CLIENT_LINGER_MS;
    size_t got;

    while (now < smaller(silent_by, enough) || is_delivering(client, &delivery, patience_ms)) {
        enum io_result result = receive_raw(client, client->in.at, client->in.cap, &got);
        if (result == IO_END || result == IO_FAILED)
            return;
        if (result == IO_AGAIN)
            wait_ready(&socket, 1, now + DRAIN_POLL_MS);
        now = clock_now_ms();
        if (result == IO_OK)
            silent_by = now + CLIENT_LINGER_MS;
    }
}

enum io_result client_end_sending(struct client *client)
{
    if (client->tls.ssl != NULL && client_tls_end(&client->tls) == IO_AGAIN)
        return IO_AGAIN;
    shutdown(client->fd, SHUT_WR);
    return IO_OK;
}

/* Waits for a client whose socket is full to take the rest, and with it the end. */
static void end_sending(struct client *client, long long patience_ms)
{
    struct delivery delivery = {0};

    while (client_end_sending(client) == IO_AGAIN &&
           is_delivering(client, &delivery, patience_ms)) {
        struct pollfd socket = {client->fd, client_poll_events(client, POLLOUT), 0};
        wait_ready(&socket, 1, clock_now_ms() + DRAIN_POLL_MS);
    }
}

static void close_socket(struct client *client)
{
    client_tls_free(&client->tls);
    close(client->fd);
}

void client_close_staged(struct client *client, long long patience_ms)
{
    end_sending(client, patience_ms);
    if (!client->ended)
        drain_client(client, patience_ms);
    close_socket(client);
}

void client_guard(struct client *client, bool on)
{
    const struct linger linger = {.l_onoff = on, .l_linger = 0};

    setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
}

void client_abort(struct client *client)
{
    client_guard(client, true);
    close_socket(client);
}

void client_reset(struct client *client, long long patience_ms)
{
    struct pollfd broken = {.fd = client->fd}; /* says so if the client resets first */
    struct delivery delivery = {0};

    while (is_delivering(client, &delivery, patience_ms) && broken.revents == 0)
        wait_ready(&broken, 1, clock_now_ms() + RESET_POLL_MS);
    client_abort(client);
}
