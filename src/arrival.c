/* arrival: waits for a request's head. */
#include "arrival.h"

#include "clock.h"
#include "scoreboard.h"

#define DRAIN_FIRST_REQUEST_MS 3000 /* from the drain on */
#define DRAIN_NEXT_REQUEST_MS  1000 /* from the response before it on */

/* While a client is idle the target's connection is watched too: one that the target closes must
 * not be used for the next request. */
static int wait_for_octets(struct arrival *arrival, long long deadline)
{
    struct upstream *upstream = arrival->upstream;
    struct pollfd sockets[] = {
        {.fd = arrival->client->fd, .events = client_poll_events(arrival->client, POLLIN)},
        {.fd = upstream != NULL ? upstream->fd : -1, .events = POLLIN},
    };

    if (client_has_pending(arrival->client))
        return 1;
    int ready = wait_ready(sockets, 2, deadline);
    if (ready > 0 && sockets[1].revents != 0)
        upstream_check_idle(upstream);
    arrival->watched = upstream;
    return ready;
}

static bool is_idle(const struct arrival *arrival)
{
    return !http_head_has_begun(&arrival->head);
}

/* When a connection without a request ends because a drain has begun: once what has come already is
 * served. A request may be on its way, though, which a close would cross: so one whose first
 * request is still due is given a moment, and one that was in use until a moment ago, the rest of
 * it. */
static long long drain_deadline(const struct arrival *arrival, long long idle_since, long long now)
{
    if (!wait_is_draining() || !is_idle(arrival))
        return CLOCK_NEVER;
    return arrival->is_first ? now + DRAIN_FIRST_REQUEST_MS : idle_since + DRAIN_NEXT_REQUEST_MS;
}

static enum arrival_result refuse(struct arrival *arrival, unsigned status, const char *detail)
{
    fault_refuse(arrival->fault, status, detail);
    return ARRIVAL_REFUSED;
}

static enum arrival_result miss_head(struct arrival *arrival)
{
    if (is_idle(arrival))
        return ARRIVAL_NONE;
    return refuse(arrival, 408, "the request head did not come in time (request_head)");
}

static enum arrival_result receive_more(struct arrival *arrival)
{
    switch (client_fill(arrival->client)) {
    case IO_END:
        if (is_idle(arrival))
            return ARRIVAL_NONE;
        return refuse(arrival, 400, "the connection ended within the request head");
    case IO_FAILED:
        return ARRIVAL_NONE;
    default:
        return ARRIVAL_WHOLE;
    }
}

static long long head_deadline(const struct arrival *arrival, long long idle_since,
                               long long *begun)
{
    const struct config *config = arrival->config;

    if (is_idle(arrival))
        return idle_since +
               (arrival->is_first ? config->timeouts.request_head : config->timeouts.client_idle);
    if (*begun == 0)
        *begun = arrival->is_first ? idle_since : clock_now_ms();
    return *begun + config->timeouts.request_head;
}

enum arrival_result arrival_await(struct arrival *arrival)
{
    http_head_init(&arrival->head, HTTP_REQUEST, config_request_limits(arrival->config));
    long long idle_since = arrival->is_first ? arrival->since_ms : clock_now_ms();
    long long begun = 0;
    long long drain_by = CLOCK_NEVER;

    for (;;) {
        struct slice received = client_received(arrival->client);
        switch (http_head_parse(&arrival->head, received.at, received.len)) {
        case HTTP_COMPLETE:
            return ARRIVAL_WHOLE;
        case HTTP_BAD:
            return refuse(arrival, arrival->head.fault.status, arrival->head.fault.detail);
        case HTTP_PARTIAL:
            break;
        }
        if (arrival->began_us == 0 && !is_idle(arrival)) {
            arrival->began_us = clock_now_us();
            scoreboard_set_state(SCOREBOARD_READING);
        }
        long long deadline = head_deadline(arrival, idle_since, &begun);
        if (drain_by == CLOCK_NEVER)
            drain_by = drain_deadline(arrival, idle_since, clock_now_ms());
        if (is_idle(arrival) && drain_by < deadline)
            deadline = drain_by;
        int ready = wait_for_octets(arrival, deadline);
        if (ready == 0)
            return miss_head(arrival);
        enum arrival_result result = ready > 0 ? receive_more(arrival) : ARRIVAL_WHOLE;
        if (result != ARRIVAL_WHOLE)
            return result;
    }
}
