/* tunnel: octets both ways after 101. */
#include "tunnel.h"

#include "clock.h"
#include "scoreboard.h"

/* One direction. */
struct way {
    struct buffer *buffer;
    bool finished; /* its source has ended; the buffer may hold octets still */
    bool ended;    /* it is over: the source has ended and the sink knows, or one of them broke */
    bool broken;   /* one of them broke */
    bool blocked;  /* its sink takes nothing now */
    unsigned long long delivered;
};

struct tunnel {
    struct client *client;
    struct upstream *upstream;
    struct way up, down;
    bool client_readable, upstream_readable;
    bool client_hung_up; /* its socket has said all that it will say */
    long long moved_ms;
};

/* ---- the four moves ---- */

static enum io_result read_client(struct tunnel *tunnel)
{
    struct buffer *buffer = tunnel->up.buffer;
    size_t got;

    enum io_result result =
        client_receive(tunnel->client, buffer->at + buffer->end, buffer_room(buffer), &got);
    buffer->end += got;
    return result;
}

static enum io_result read_upstream(struct tunnel *tunnel)
{
    struct buffer *buffer = tunnel->down.buffer;
    size_t got;

    enum io_result result =
        upstream_receive(tunnel->upstream, buffer->at + buffer->end, buffer_room(buffer), &got);
    buffer->end += got;
    return result;
}

static enum io_result write_client(struct tunnel *tunnel, size_t *sent)
{
    struct slice content = buffer_content(tunnel->down.buffer);
    struct iovec piece = {(char *)content.at, content.len};

    return client_send(tunnel->client, &piece, 1, sent);
}

static enum io_result write_upstream(struct tunnel *tunnel, size_t *sent)
{
    return upstream_send(tunnel->upstream, buffer_content(tunnel->up.buffer), sent);
}

/* ---- one direction ---- */

/* A broken direction is over; the other one goes on. */
static void break_off(struct way *way)
{
    way->finished = way->ended = way->broken = true;
    way->blocked = false;
    buffer_clear(way->buffer);
}

/* Fills an empty buffer where its source has something. false when the source broke. */
static bool fill(struct tunnel *tunnel, struct way *way, enum io_result (*read)(struct tunnel *),
                 bool readable)
{
    if (way->finished || !readable || buffer_length(way->buffer) > 0)
        return true;
    buffer_clear(way->buffer);
    enum io_result result = read(tunnel);
    way->finished = result == IO_END;
    if (result == IO_FAILED)
        break_off(way);
    return result != IO_FAILED;
}

/* Empties the buffer as far as the sink takes it. */
static void flush(struct tunnel *tunnel, struct way *way,
                  enum io_result (*write)(struct tunnel *, size_t *))
{
    size_t sent;

    way->blocked = false;
    while (buffer_length(way->buffer) > 0) {
        enum io_result result = write(tunnel, &sent);
        if (result == IO_AGAIN) {
            way->blocked = true;
            return;
        }
        if (result != IO_OK) {
            break_off(way);
            return;
        }
        buffer_consume(way->buffer, sent);
        way->delivered += sent;
        scoreboard_note_bytes(way == &tunnel->up ? sent : 0, way == &tunnel->up ? 0 : sent);
        tunnel->moved_ms = clock_now_ms();
    }
}

/* Whether the sink is to be told that no more will come. */
static bool is_at_end(const struct way *way)
{
    return way->finished && !way->ended && buffer_length(way->buffer) == 0;
}

/* Notes what came of telling the sink. Its socket may be full: TLS has a record to send for
 * that. */
static void end(struct way *way, enum io_result result)
{
    way->ended = result != IO_AGAIN;
    way->blocked = !way->ended;
}

/* Moves what can be moved. false when the tunnel is over: both directions are, or a peer broke off.
 */
static bool step(struct tunnel *tunnel)
{
    if (!fill(tunnel, &tunnel->up, read_client, tunnel->client_readable))
        return false;
    flush(tunnel, &tunnel->up, write_upstream);
    if (!fill(tunnel, &tunnel->down, read_upstream, tunnel->upstream_readable))
        return false;
    flush(tunnel, &tunnel->down, write_client);
    if (is_at_end(&tunnel->up))
        end(&tunnel->up, upstream_end_sending(tunnel->upstream));
    if (is_at_end(&tunnel->down))
        end(&tunnel->down, client_end_sending(tunnel->client));
    return !tunnel->down.broken && !(tunnel->up.ended && tunnel->down.ended);
}

/* ---- the loop ---- */

static short events_of(const struct way *source, const struct way *sink)
{
    int events = 0;

    if (!source->finished && buffer_length(source->buffer) == 0)
        events |= POLLIN;
    if (sink->blocked)
        events |= POLLOUT;
    return (short)events;
}

/* Whether to look at the client's socket. One whose octets wait for the target is looked at too, so
 * that its reset is seen. */
static bool watches_client(const struct tunnel *tunnel, short events)
{
    return events != 0 || (!tunnel->up.finished && !tunnel->client_hung_up);
}

/* Whether a receive from the client may find something: TLS may have waited for the other
 * direction. */
static bool is_readable(const struct client *client, short revents)
{
    return (revents & (POLLIN | POLLHUP | POLLERR)) != 0 ||
           (client->tls.ssl != NULL && revents != 0);
}

/* false when nothing has moved for too long, or the client broke off. */
static bool wait_for_either(struct tunnel *tunnel, long long idle_ms)
{
    short of_client = events_of(&tunnel->up, &tunnel->down);
    bool of_tls = client_has_pending(tunnel->client) && (of_client & POLLIN) != 0;
    bool pending = tunnel->upstream->pending && !tunnel->down.blocked;
    long long deadline = pending || of_tls ? 0 : tunnel->moved_ms + idle_ms;
    short of_upstream = events_of(&tunnel->down, &tunnel->up);
    struct pollfd sockets[] = {
        {.fd = watches_client(tunnel, of_client) ? tunnel->client->fd : -1,
         .events = client_poll_events(tunnel->client, of_client)},
        {.fd = of_upstream != 0 ? tunnel->upstream->fd : -1, .events = of_upstream},
    };

    if (wait_ready(sockets, 2, deadline) == 0 && !pending && !of_tls)
        return false;
    if ((sockets[0].revents & POLLHUP) != 0)
        tunnel->client_hung_up = true;
    if ((of_client & POLLIN) == 0 && (sockets[0].revents & POLLERR) != 0) {
        break_off(&tunnel->up);
        return false;
    }
    tunnel->client_readable = of_tls || is_readable(tunnel->client, sockets[0].revents);
    tunnel->upstream_readable = pending || (sockets[1].revents & (POLLIN | POLLHUP | POLLERR)) != 0;
    return true;
}

/* What came together with the request goes first. */
static void take_early(struct client *client, struct buffer *up)
{
    struct slice early = client_received(client);

    buffer_clear(up);
    if (early.len > buffer_room(up))
        early.len = buffer_room(up);
    buffer_add(up, early);
    client_take(client, early.len);
}

bool tunnel_run(struct client *client, struct upstream *upstream, struct buffer *up,
                struct buffer *down, long long idle_ms, struct tunnel_count *count)
{
    struct tunnel tunnel = {
        .client = client,
        .upstream = upstream,
        .up = {.buffer = up},
        .down = {.buffer = down},
        .moved_ms = clock_now_ms(),
    };

    take_early(client, up);
    while (step(&tunnel) && wait_for_either(&tunnel, idle_ms))
        ;
    *count = (struct tunnel_count){tunnel.up.delivered, tunnel.down.delivered};
    return !tunnel.up.broken && !tunnel.down.broken;
}
