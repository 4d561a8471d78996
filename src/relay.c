/* relay: one exchange with the target, full duplex. */
#include "relay.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "credentials.h"
#include "plain.h"
#include "rewrite.h"
#include "scoreboard.h"

/* ---- deadlines ---- */

enum waiting_for { WAIT_CONTENT, WAIT_READER, WAIT_TARGET, WAIT_ENDED_CLIENT, WAIT_KINDS };

/* One kind of waiting: since when, and how much a socket still had to send when it began. */
struct relay_wait {
    long long since_ms; /* 0: nothing is waited for, or something has just moved */
    int unsent;
};

struct relay_loop {
    struct relay *relay;
    const struct config_route *route;
    struct client *client;
    struct upstream *upstream;
    struct relay_wait waits[WAIT_KINDS];
    bool client_has_ended;
    bool readable;                              /* the target's socket has something */
    bool has_waited;                            /* in a receive, and nothing has moved since */
    unsigned long long counted_in, counted_out; /* octets of content, on the scoreboard */
};

/* Whether the client holds its content back until the target has said 100 or has answered. */
static bool expects_target(const struct relay *relay)
{
    return relay->upload.request->expects_100 && !upload_has_begun(&relay->upload) &&
           !relay->download.continued && !relay->download.begun;
}

/* Whether the client owes content: not once the target has begun to answer without it. */
static bool waits_for_content(const struct relay *relay)
{
    const struct upload *upload = &relay->upload;
    bool wanted =
        upload_wants_client(upload) || (relay->download.refused && upload_discards(upload));

    return wanted && !expects_target(relay) && !relay->download.begun;
}

/* Whether the next move is the target's: it has the request, does not take it, or answers. */
static bool waits_for_target(const struct relay *relay)
{
    return !waits_for_content(relay) && !relay->download.blocked;
}

static bool is_waiting(const struct relay_loop *loop, enum waiting_for kind)
{
    const struct relay *relay = loop->relay;

    switch (kind) {
    case WAIT_CONTENT:
        return waits_for_content(relay);
    case WAIT_READER:
        return relay->download.blocked;
    case WAIT_TARGET:
        return waits_for_target(relay);
    default:
        return loop->client_has_ended && !relay->download.blocked &&
               !upload_wants_client(&relay->upload);
    }
}

static long long patience(const struct relay_loop *loop, enum waiting_for kind)
{
    switch (kind) {
    case WAIT_CONTENT:
        return loop->route->config->timeouts.client_idle;
    case WAIT_READER:
        return loop->route->config->timeouts.client_write;
    case WAIT_TARGET:
        return loop->route->config->timeouts.response;
    default:
        return CLIENT_HALF_CLOSED_MS;
    }
}

/* What a socket that is waited for has still to send; 0 where it is not that. A client that has
 * ended its direction waits for an answer from when the target's socket takes its request. */
static int unsent_octets(const struct relay_loop *loop, enum waiting_for kind)
{
    if (kind == WAIT_READER)
        return wait_unacknowledged(loop->client->fd);
    if (kind == WAIT_TARGET && loop->relay->upload.blocked)
        return wait_unacknowledged(loop->upstream->fd);
    if (kind == WAIT_ENDED_CLIENT)
        return wait_unsent(loop->upstream->fd);
    return 0;
}

/* Notes what is waited for from now on. The deadline that comes first, CLOCK_NEVER without one. */
static long long begin_waits(struct relay_loop *loop, enum waiting_for *first)
{
    long long now = clock_now_ms();
    long long earliest = CLOCK_NEVER;

    for (int i = 0; i < WAIT_KINDS; i++) {
        enum waiting_for kind = (enum waiting_for)i;
        struct relay_wait *wait = &loop->waits[i];
        if (!is_waiting(loop, kind)) {
            wait->since_ms = 0;
            continue;
        }
        if (wait->since_ms == 0)
            *wait = (struct relay_wait){now, unsent_octets(loop, kind)};
        if (wait->since_ms + patience(loop, kind) < earliest) {
            earliest = wait->since_ms + patience(loop, kind);
            *first = kind;
        }
    }
    return earliest;
}

/* A peer may take octets so slowly that the kernel does not call its socket writable for long:
 * when there are fewer than at the last look, it has moved. */
static bool moves_slowly(struct relay_loop *loop, enum waiting_for kind)
{
    struct relay_wait *wait = &loop->waits[kind];
    int unsent = unsent_octets(loop, kind);

    if (unsent >= wait->unsent)
        return false;
    *wait = (struct relay_wait){clock_now_ms(), unsent};
    return true;
}

/* A failure before the final response has begun is answered; afterwards it cuts the response. */
static enum relay_result fail(struct relay *relay, unsigned status, const char *type,
                              const char *detail)
{
    fault_set(&relay->fault, status, type, "%s", detail);
    return relay->download.begun ? RELAY_CUT : RELAY_FAILED;
}

static enum relay_result miss_deadline(struct relay_loop *loop, enum waiting_for missed)
{
    bool blocked = loop->relay->upload.blocked;
    char detail[FAULT_DETAIL_BYTES];

    switch (missed) {
    case WAIT_CONTENT:
        return fail(loop->relay, 408, "http_request_error",
                    "the request's content stopped coming (client_idle)");
    case WAIT_TARGET:
        snprintf(detail, sizeof detail, "target %.200s: %s in time (response)",
                 loop->route->target->name, blocked ? "took nothing" : "sent nothing");
        return fail(loop->relay, 504,
                    blocked ? "connection_write_timeout" : "http_response_timeout", detail);
    default:
        return RELAY_CLIENT_GONE;
    }
}

/* ---- steps ---- */

static enum relay_result handle_upload(struct relay_loop *loop, enum upload_result result)
{
    switch (result) {
    case UPLOAD_CLIENT_GONE:
        return RELAY_CLIENT_GONE;
    case UPLOAD_REFUSED:
        return loop->relay->download.begun ? RELAY_CUT : RELAY_FAILED;
    default:
        return RELAY_DONE;
    }
}

static enum relay_result handle_empty(struct relay_loop *loop)
{
    const struct upload *upload = &loop->relay->upload;
    const char *reason = loop->upstream->error;

    if (loop->upstream->reused && upload->request->is_safe && !upload->request->has_content)
        return RELAY_STALE;
    fault_set(&loop->relay->fault, 502, "connection_terminated",
              "target %s: closed the connection without an answer%s%.200s",
              loop->route->target->name, reason[0] != '\0' ? ": " : "", reason);
    return RELAY_FAILED;
}

static enum relay_result handle_download(struct relay_loop *loop, enum download_result result)
{
    switch (result) {
    case DOWNLOAD_CLIENT_GONE:
        return RELAY_CLIENT_GONE;
    case DOWNLOAD_EMPTY:
        return handle_empty(loop);
    case DOWNLOAD_BROKEN:
        return RELAY_FAILED;
    default:
        break;
    }
    if (loop->relay->download.state == DOWNLOAD_SWITCHED)
        return RELAY_SWITCHED;
    return loop->relay->download.state == DOWNLOAD_CUT ? RELAY_CUT : RELAY_DONE;
}

/* While they move: an exchange may last for hours. */
static void count_bytes(struct relay_loop *loop)
{
    const struct upload *upload = &loop->relay->upload;
    const struct download *download = &loop->relay->download;

    scoreboard_note_bytes(upload->content_bytes - loop->counted_in,
                          download->content_bytes - loop->counted_out);
    loop->counted_in = upload->content_bytes;
    loop->counted_out = download->content_bytes;
}

static void note_progress(struct relay_loop *loop)
{
    const struct upload *upload = &loop->relay->upload;
    const struct download *download = &loop->relay->download;

    if (upload->received)
        loop->waits[WAIT_CONTENT].since_ms = 0;
    if (download->sent || (upload->received && upload->stopped))
        loop->waits[WAIT_READER].since_ms = 0;
    if (download->sent || upload->sent)
        loop->waits[WAIT_ENDED_CLIENT].since_ms = 0;
    if (upload->sent || download->received) {
        loop->waits[WAIT_TARGET].since_ms = 0;
        loop->has_waited = false;
    }
    if (download->begun && loop->relay->head_us == 0) {
        loop->relay->head_us = clock_now_us();
        scoreboard_set_state(SCOREBOARD_RELAYING);
    }
    count_bytes(loop);
}

/* Whether the target wants no more of a request than it has: its answer is whole, or an error. */
static bool refuses_upload(const struct download *download)
{
    return download->begun &&
           (download->response.status >= 400 || download->state != DOWNLOAD_CONTENT);
}

/* An answer of 401 is held: until all content is there, so that the request can be sent again,
 * which is true then; or until it is more than can be kept, and the answer goes on its way. */
static bool settle_held(struct relay *relay)
{
    struct upload *upload = &relay->upload;

    if (!upload_has_begun(upload) || (upload->complete && upload->keeps))
        return true;
    if (upload->keeps && !upload->client->ended)
        upload_stop(upload);
    else
        download_release(&relay->download);
    return false;
}

/* Moves what can be moved. true when the exchange is over: *result says how. */
static bool step(struct relay_loop *loop, enum relay_result *result)
{
    struct relay *relay = loop->relay;

    enum upload_result up = upload_step(&relay->upload, &relay->fault);
    relay->download.request_is_sent = upload_is_sent(&relay->upload);
    if (up != UPLOAD_GOING) {
        *result = handle_upload(loop, up);
        return true;
    }
    enum download_result down = download_step(&relay->download, loop->readable, &relay->fault);
    bool is_between = buffer_length(relay->download.out) == 0; /* not within a 1xx */
    if (relay->download.refused && is_between && settle_held(relay)) {
        *result = RELAY_REFUSED;
        return true;
    }
    if (relay->download.begun)
        relay->upload.keeps = false; /* it is not sent again */
    if (relay->download.released)
        down = download_step(&relay->download, false, &relay->fault);
    note_progress(loop);
    if (refuses_upload(&relay->download))
        upload_stop(&relay->upload);
    if (down == DOWNLOAD_GOING)
        return false;
    *result = handle_download(loop, down);
    return true;
}

/* ---- waiting ---- */

static short client_events(const struct relay_loop *loop)
{
    const struct relay *relay = loop->relay;
    int events = 0;

    if (upload_wants_client(&relay->upload) || upload_discards(&relay->upload))
        events |= POLLIN;
    else if (!loop->client_has_ended)
        events |= POLLRDHUP;
    if (relay->download.blocked)
        events |= POLLOUT;
    return client_poll_events(loop->client, (short)events);
}

/* Whether octets of the client can be received that its socket does not show. */
static bool has_pending(const struct relay_loop *loop)
{
    const struct upload *upload = &loop->relay->upload;

    return client_has_pending(loop->client) &&
           (upload_wants_client(upload) || upload_discards(upload));
}

static short upstream_events(const struct relay_loop *loop)
{
    int events = 0;

    if (download_wants_upstream(&loop->relay->download))
        events |= POLLIN;
    if (loop->relay->upload.blocked)
        events |= POLLOUT;
    return (short)events;
}

/* Whether a client that has ended its direction can still have sent all of its content. */
static bool can_be_whole(const struct relay_loop *loop)
{
    const struct upload *upload = &loop->relay->upload;

    if (upload->complete || upload->stopped || upload->request->framing != HTTP_FRAMING_LENGTH)
        return true;
    return client_received(loop->client).len + client_unread_max(loop->client) >= upload->remaining;
}

/* A client that broke off is gone; one that ended its direction may still read. */
static bool note_client(struct relay_loop *loop, short events)
{
    if ((events & (POLLERR | POLLHUP)) != 0)
        return false;
    if ((events & POLLRDHUP) == 0)
        return true;
    loop->client_has_ended = true;
    return can_be_whole(loop);
}

/* Waits until something can move. false when the exchange is over: *result says how. */
static bool wait_for_either(struct relay_loop *loop, enum relay_result *result)
{
    enum waiting_for first = WAIT_TARGET;
    short wanted = upstream_events(loop);
    struct pollfd sockets[] = {
        {.fd = loop->client->fd, .events = client_events(loop)},
        {.fd = wanted != 0 ? loop->upstream->fd : -1, .events = wanted},
    };

    long long deadline = begin_waits(loop, &first);
    bool pending = has_pending(loop);
    int ready = wait_ready(sockets, 2, pending ? 0 : deadline);
    if (ready == 0 && !pending && !moves_slowly(loop, first)) {
        *result = miss_deadline(loop, first);
        return false;
    }
    loop->readable = (sockets[1].revents & (POLLIN | POLLHUP | POLLERR)) != 0;
    if (note_client(loop, sockets[0].revents))
        return true;
    *result = RELAY_CLIENT_GONE;
    return false;
}

/* Whether only the target is waited for, who may be about to answer: the receive can do that by
 * itself, for a moment in which a client that leaves is not missed. */
static bool can_wait_in_receive(const struct relay_loop *loop)
{
    return loop->upstream->is_direct && !loop->has_waited && !loop->client_has_ended &&
           upload_is_sent(&loop->relay->upload) &&
           download_wants_upstream(&loop->relay->download) &&
           loop->route->config->timeouts.response > PLAIN_WAIT_MS;
}

static enum relay_result run(struct relay_loop *loop)
{
    enum relay_result result = RELAY_DONE;

    while (!step(loop, &result)) {
        if (loop->upstream->pending && download_wants_upstream(&loop->relay->download))
            loop->readable = true;
        else if (can_wait_in_receive(loop))
            loop->readable = loop->has_waited = loop->upstream->waits = true;
        else if (!wait_for_either(loop, &result))
            break;
    }
    return result;
}

/* Runs the loop to its end, over a relay that stands ready. */
static enum relay_result go(struct relay *relay, struct relay_buffers *buffers)
{
    struct relay_loop loop = {
        .relay = relay,
        .route = relay->upload.route,
        .client = relay->upload.client,
        .upstream = relay->upload.upstream,
        .counted_in = relay->upload.content_bytes,
    };

    enum relay_result result = run(&loop);
    count_bytes(&loop);
    upload_end(&relay->upload);
    if (result == RELAY_FAILED && (buffers->out.start > 0 || client_owes(loop.client)))
        return RELAY_CUT; /* an answer of ours would stand within a 1xx */
    return result;
}

/* Makes a relay ready to begin. */
static void begin(struct relay *relay, const struct config_route *route,
                  const struct http_request *request, const struct value_context *context,
                  struct client *client, struct upstream *upstream, struct relay_buffers *buffers)
{
    *relay = (struct relay){
        .upload = {.route = route,
                   .request = request,
                   .context = context,
                   .client = client,
                   .upstream = upstream,
                   .out = &buffers->up,
                   .kept = &buffers->kept},
        .download = {.route = route,
                     .request = request,
                     .context = context,
                     .client = client,
                     .upstream = upstream,
                     .in = &buffers->down,
                     .out = &buffers->out},
    };
    upload_begin(&relay->upload);
    download_begin(&relay->download);
}

enum relay_result relay_run(struct relay *relay, const struct config_route *route,
                            const struct http_request *request, const struct value_context *context,
                            struct client *client, struct upstream *upstream,
                            struct relay_buffers *buffers)
{
    begin(relay, route, request, context, client, upstream, buffers);
    relay->download.holds = buffers->kept.cap > 0 && credentials_exist(route);
    relay->upload.keeps = relay->download.holds;
    buffer_clear(&buffers->kept);
    return go(relay, buffers);
}

bool relay_has_content(const struct relay *relay)
{
    return upload_has_begun(&relay->upload);
}

enum relay_result relay_run_again(struct relay *relay, struct relay_buffers *buffers)
{
    const struct upload before = relay->upload;

    begin(relay, before.route, before.request, before.context, before.client, before.upstream,
          buffers);
    if (before.complete)
        upload_begin_again(&relay->upload, before.content_bytes);
    return go(relay, buffers);
}

enum relay_result relay_release(struct relay *relay, struct relay_buffers *buffers)
{
    download_release(&relay->download);
    return go(relay, buffers);
}
