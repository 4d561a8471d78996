/* relay: one exchange with the target, full duplex. */
#include "relay.h"

#include <string.h>

#include "clock.h"
#include "rewrite.h"

/* ---- buffers ---- */

bool relay_buffers_init(struct relay_buffers *buffers, const struct config *config)
{
    size_t request_head = (size_t)config->limits.request_head + REWRITE_EXTRA_BYTES +
                          strlen(config->target.base_path) + strlen(config->host) +
                          config_fields_bytes_max(&config->request_fields);
    /* More than a head may have, so that one that is too long is seen to be. */
    size_t response = HTTP_RESPONSE_BYTES_MAX + 4096;
    size_t rewritten =
        response + REWRITE_EXTRA_BYTES + config_fields_bytes_max(&config->response_fields);

    return buffer_init(&buffers->up, request_head + CLIENT_CONTENT_BYTES) &&
           buffer_init(&buffers->down, response) && buffer_init(&buffers->out, rewritten);
}

/* ---- deadlines ---- */

/* When each side last did something, and what is waited for. */
struct relay_clock {
    long long client_received, client_sent, upstream_moved;
    long long client_ended; /* when the client's end, or the last octet sent after it, was seen */
    bool client_has_ended;
};

enum waiting_for { WAIT_CONTENT, WAIT_READER, WAIT_TARGET, WAIT_ENDED_CLIENT, WAIT_KINDS };

struct relay_loop {
    struct relay *relay;
    const struct config *config;
    struct client *client;
    struct upstream *upstream;
    struct relay_clock clock;
    bool readable; /* the target's socket has something */
};

/* Whether the client holds its content back until the target has said 100 or has answered. */
static bool expects_target(const struct relay *relay)
{
    return relay->upload.request->expects_100 && !relay->upload.taken && !relay->download.any;
}

/* Whether the next move is the target's: it has the request, or does not take it. */
static bool waits_for_target(const struct relay *relay)
{
    return (relay->upload.blocked || upload_is_done(&relay->upload) || expects_target(relay)) &&
           !relay->download.blocked;
}

static void list_deadlines(const struct relay_loop *loop, long long deadlines[WAIT_KINDS])
{
    const struct config *config = loop->config;
    const struct relay *relay = loop->relay;

    for (int i = 0; i < WAIT_KINDS; i++)
        deadlines[i] = CLOCK_NEVER;
    if (upload_wants_client(&relay->upload) && !expects_target(relay))
        deadlines[WAIT_CONTENT] = loop->clock.client_received + config->timeouts.client_idle;
    if (relay->download.blocked)
        deadlines[WAIT_READER] = loop->clock.client_sent + config->timeouts.client_write;
    if (waits_for_target(relay))
        deadlines[WAIT_TARGET] = loop->clock.upstream_moved + config->timeouts.response;
    if (loop->clock.client_has_ended)
        deadlines[WAIT_ENDED_CLIENT] = loop->clock.client_ended + CLIENT_HALF_CLOSED_MS;
}

static enum waiting_for first_deadline(const long long deadlines[WAIT_KINDS])
{
    enum waiting_for first = WAIT_CONTENT;

    for (int i = 1; i < WAIT_KINDS; i++)
        if (deadlines[i] < deadlines[first])
            first = (enum waiting_for)i;
    return first;
}

/* A failure before the final response has begun is answered; afterwards it cuts the response. */
static enum relay_result fail(struct relay *relay, unsigned status, const char *type,
                              const char *detail)
{
    if (relay->download.begun)
        return RELAY_CUT;
    fault_set(&relay->fault, status, type, "%s", detail);
    return RELAY_FAILED;
}

static enum relay_result miss_deadline(struct relay_loop *loop, enum waiting_for missed)
{
    switch (missed) {
    case WAIT_CONTENT:
        return fail(loop->relay, 408, "http_request_error",
                    "the request's content stopped coming (client_idle)");
    case WAIT_TARGET:
        if (loop->relay->download.begun)
            return RELAY_CUT;
        fault_set(&loop->relay->fault, 504, "http_response_timeout",
                  "target %s: no answer in time (response)", loop->config->target.name);
        return RELAY_FAILED;
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

    if (loop->upstream->reused && upload->request->is_safe && !upload->taken)
        return RELAY_STALE;
    fault_set(&loop->relay->fault, 502, "connection_terminated",
              "target %s: closed the connection without an answer%s%.200s",
              loop->config->target.name, reason[0] != '\0' ? ": " : "", reason);
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

static void note_progress(struct relay_loop *loop)
{
    const struct upload *upload = &loop->relay->upload;
    const struct download *download = &loop->relay->download;
    long long now = clock_now_ms();

    if (upload->received)
        loop->clock.client_received = now;
    if (download->sent)
        loop->clock.client_sent = loop->clock.client_ended = now;
    if (upload->sent || download->received)
        loop->clock.upstream_moved = now;
    if (download->begun && loop->relay->head_us == 0)
        loop->relay->head_us = clock_now_us();
}

/* Moves what can be moved. true when the exchange is over: *result says how. */
static bool step(struct relay_loop *loop, enum relay_result *result)
{
    struct relay *relay = loop->relay;

    enum upload_result up = upload_step(&relay->upload, &relay->fault);
    relay->download.upload_complete = relay->upload.complete;
    if (up != UPLOAD_GOING) {
        *result = handle_upload(loop, up);
        return true;
    }
    enum download_result down = download_step(&relay->download, loop->readable, &relay->fault);
    note_progress(loop);
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

    if (upload_wants_client(&relay->upload))
        events |= POLLIN;
    else if ((relay->upload.complete || relay->upload.stopped) && !loop->clock.client_has_ended)
        events |= POLLRDHUP;
    if (relay->download.blocked)
        events |= POLLOUT;
    return (short)events;
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

/* A client that broke off is gone; one that ended its direction may still read. */
static bool note_client(struct relay_loop *loop, short events)
{
    if ((events & (POLLERR | POLLHUP)) != 0)
        return false;
    if ((events & POLLRDHUP) != 0) {
        loop->clock.client_has_ended = true;
        loop->clock.client_ended = clock_now_ms();
    }
    return true;
}

/* Waits until something can move. false when the exchange is over: *result says how. */
static bool wait_for_either(struct relay_loop *loop, enum relay_result *result)
{
    long long deadlines[WAIT_KINDS];
    short wanted = upstream_events(loop);
    struct pollfd sockets[] = {
        {.fd = loop->client->fd, .events = client_events(loop)},
        {.fd = wanted != 0 ? loop->upstream->fd : -1, .events = wanted},
    };

    list_deadlines(loop, deadlines);
    enum waiting_for first = first_deadline(deadlines);
    int ready = wait_ready(sockets, 2, deadlines[first]);
    if (ready == 0) {
        *result = miss_deadline(loop, first);
        return false;
    }
    loop->readable = (sockets[1].revents & (POLLIN | POLLHUP | POLLERR)) != 0;
    if (note_client(loop, sockets[0].revents))
        return true;
    *result = RELAY_CLIENT_GONE;
    return false;
}

static enum relay_result run(struct relay_loop *loop)
{
    enum relay_result result = RELAY_DONE;

    while (!step(loop, &result)) {
        if (loop->upstream->pending && download_wants_upstream(&loop->relay->download))
            loop->readable = true;
        else if (!wait_for_either(loop, &result))
            break;
    }
    return result;
}

enum relay_result relay_run(struct relay *relay, const struct config *config,
                            const struct http_request *request, const struct value_context *context,
                            struct client *client, struct upstream *upstream,
                            struct relay_buffers *buffers)
{
    long long now = clock_now_ms();
    struct relay_loop loop = {
        .relay = relay,
        .config = config,
        .client = client,
        .upstream = upstream,
        .clock = {.client_received = now, .client_sent = now, .upstream_moved = now},
    };

    *relay = (struct relay){
        .upload = {.config = config,
                   .request = request,
                   .client = client,
                   .upstream = upstream,
                   .out = &buffers->up},
        .download = {.config = config,
                     .request = request,
                     .context = context,
                     .client = client,
                     .upstream = upstream,
                     .in = &buffers->down,
                     .out = &buffers->out},
    };
    upload_begin(&relay->upload);
    download_begin(&relay->download);
    enum relay_result result = run(&loop);
    upload_end(&relay->upload);
    return result;
}
