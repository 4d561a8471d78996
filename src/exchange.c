/* exchange: one request and its response. */
#include "exchange.h"

#include <sys/socket.h>

#include "access_log.h"
#include "admission.h"
#include "answer.h"
#include "arrival.h"
#include "clock.h"
#include "cors.h"
#include "credentials.h"
#include "localhost.h"
#include "log.h"
#include "method_guard.h"
#include "request_id.h"
#include "rewrite.h"
#include "scoreboard.h"
#include "tunnel.h"
#include "upstream_fault.h"

struct exchange {
    struct exchange_context *context;
    const struct config_route *route; /* once the request is understood */
    struct upstream *upstream;        /* once the target has been turned to */
    struct arrival arrival;
    struct http_request request;
    bool has_head;     /* request has at least method and target */
    struct slice user; /* who signed in; empty: nobody has to */
    bool is_preflight; /* a browser asks what it may send: answered here */
    bool understood;   /* request has all that the head means */
    struct fault fault;
    struct value_context variables;
    struct mapping mapping; /* where variables.mapping points to, if anything is mapped */
    char own_address[ADDRESS_TEXT_BYTES];
    char request_id[REQUEST_ID_BYTES + 1];
    struct relay relay;

    long long began_us;
    long long upstream_us; /* when the target was turned to, 0 before */
    long long total_us;    /* when it is over: how long it took */
    unsigned status;       /* of what was sent to the client, 0 for nothing */
    unsigned long long bytes_in, bytes_out;
};

/* ---- what it means, and whether it may go on ---- */

static bool check_request(struct exchange *exchange)
{
    struct exchange_context *context = exchange->context;
    struct admission admission = {
        .config = context->config,
        .request = &exchange->request,
        .fd = context->client->fd,
        .local = &context->local,
        .client = context->client->name,
        .client_allowed = context->allowed,
        .has_transport = context->upstreams->is_ready,
    };
    struct http_fault fault;

    exchange->has_head = true;
    if (!http_request_read(&exchange->arrival.head, &exchange->request, &fault)) {
        fault_refuse(&exchange->fault, fault.status, fault.detail);
        exchange->fault.allow = context->config->methods;
        return false;
    }
    exchange->understood = true;
    bool admitted = admission_check(&admission, &exchange->fault);
    exchange->is_preflight = admission.is_preflight;
    exchange->user = admission.user;
    exchange->route = admission.route;
    return admitted;
}

/* ---- the bridge's own answers ---- */

/* Whether the connection can go on after an answer of ours: the request was understood, and
 * nothing of it is left to be read. */
static bool may_go_on(const struct exchange *exchange)
{
    return exchange->understood && exchange->request.keep_alive &&
           exchange->request.framing == HTTP_FRAMING_NONE && !wait_is_draining();
}

static enum exchange_result send_answer(struct exchange *exchange, unsigned status, bool goes_on,
                                        struct buffer *answer)
{
    const struct exchange_context *context = exchange->context;
    long long deadline = clock_now_ms() + context->config->timeouts.client_write;

    exchange->status = status;
    if (!client_send_all(context->client, buffer_content(answer), deadline))
        return EXCHANGE_ABORT;
    return goes_on ? EXCHANGE_KEEP : EXCHANGE_CLOSE;
}

/* A page of an origin that [cors] allows may read our own answers too. */
static void add_cors(const struct exchange *exchange, struct buffer *answer)
{
    const struct config_cors *cors = &exchange->context->config->cors;
    char space[2 * ANSWER_BYTES_MAX];
    struct buffer fields = {.at = space, .cap = sizeof space};

    if (!exchange->understood)
        return;
    cors_add_fields(cors, &exchange->request, &fields);
    if (cors_varies(cors))
        buffer_add_text(&fields, "Vary: Origin\r\n");
    answer_insert(answer, buffer_content(&fields));
}

/* What went wrong, and what to do. */
static void warn(const struct exchange *exchange)
{
    const char *advice = upstream_fault_advice(exchange->fault.type);

    log_warning("%s%s%s (client %s, id %s)", exchange->fault.detail, advice[0] != '\0' ? "; " : "",
                advice, exchange->context->client->name, exchange->request_id);
}

static enum exchange_result answer_with_fault(struct exchange *exchange)
{
    char space[2 * ANSWER_BYTES_MAX];
    struct buffer answer = {.at = space, .cap = sizeof space};
    unsigned status = exchange->fault.status;
    bool goes_on = may_go_on(exchange);
    bool is_head = exchange->has_head && exchange->request.is_head;

    if (exchange->upstream != NULL)
        upstream_drop(exchange->upstream);
    if (status >= 500 && status != 501 && status != 505 && !exchange->fault.is_logged)
        warn(exchange);
    answer_fault(&exchange->fault, is_head, !goes_on, goes_on && exchange->request.minor == 0,
                 &answer);
    add_cors(exchange, &answer);
    return send_answer(exchange, status, goes_on, &answer);
}

static enum exchange_result answer_options_here(struct exchange *exchange)
{
    char space[2 * ANSWER_BYTES_MAX];
    struct buffer answer = {.at = space, .cap = sizeof space};
    bool goes_on = may_go_on(exchange);

    answer_options(method_guard_allow(exchange->context->config, exchange->route), !goes_on,
                   goes_on && exchange->request.minor == 0, &answer);
    add_cors(exchange, &answer);
    return send_answer(exchange, 200, goes_on, &answer);
}

static enum exchange_result answer_preflight(struct exchange *exchange)
{
    const struct exchange_context *context = exchange->context;
    struct buffer *answer = &context->buffers->out;
    bool goes_on = may_go_on(exchange);

    buffer_clear(answer);
    answer_begin(204, !goes_on, goes_on && exchange->request.minor == 0, answer);
    if (cors_add_preflight(&context->config->cors, &exchange->request, answer))
        return send_answer(exchange, 204, goes_on, answer);
    fault_set(&exchange->fault, 403, "http_request_denied",
              "the preflight asks for what are no names of methods or fields");
    return answer_with_fault(exchange);
}

/* ---- the target ---- */

/* Where the client has reached the bridge, for one that does not say what it calls it. */
static struct slice own_authority(struct exchange *exchange)
{
    struct address own = {.len = sizeof own.storage};

    if (getsockname(exchange->context->client->fd, (struct sockaddr *)&own.storage, &own.len) !=
            0 ||
        address_is_unix(&own))
        return slice_of("localhost");
    address_format(&own, exchange->own_address);
    return slice_of(exchange->own_address);
}

/* Has fields turned from the target's view into the client's and back, where that is configured. */
static void begin_mapping(struct exchange *exchange)
{
    const struct http_request *request = &exchange->request;
    struct origin own = {.is_https = exchange->variables.client_has_tls, .authority = {"", 0}};

    if (!localhost_begin(exchange->route, request, own, &exchange->mapping))
        return;
    if (request->authority.len == 0)
        exchange->mapping.client.authority = own_authority(exchange);
    exchange->variables.mapping = &exchange->mapping;
}

static enum relay_result fail(struct exchange *exchange, unsigned status, const char *detail)
{
    fault_set(&exchange->fault, status, "proxy_internal_error", "%s", detail);
    return RELAY_FAILED;
}

/* Sends the request on a connection to the target, new or kept, and relays the response. */
static enum relay_result forward(struct exchange *exchange, bool is_again)
{
    struct exchange_context *context = exchange->context;
    struct upstream *upstream = exchange->upstream;
    struct buffer *up = &context->buffers->up;

    if (upstream->fd >= 0 && (exchange->arrival.watched != upstream || upstream->pending ||
                              upstream_has_moved(upstream)))
        upstream_check_idle(upstream);
    if (upstream->fd < 0) {
        switch (upstream_connect(upstream, context->client->fd, &exchange->fault)) {
        case UPSTREAM_CONNECTED:
            log_debug("connected to %s (id %s)", exchange->route->target->name,
                      exchange->request_id);
            break;
        case UPSTREAM_CLIENT_GONE:
            return RELAY_CLIENT_GONE;
        case UPSTREAM_INTERRUPTED:
        case UPSTREAM_UNREACHABLE:
            return RELAY_FAILED;
        }
    }
    if (!config_guard_refresh(exchange->route))
        return fail(exchange, 503, "the bridge is out of memory");
    buffer_clear(up);
    if (!rewrite_request(&exchange->request, exchange->route, &exchange->variables, up))
        return fail(exchange, 500, "the rewritten request head is too long");
    enum relay_result result =
        is_again ? relay_run_again(&exchange->relay, context->buffers)
                 : relay_run(&exchange->relay, exchange->route, &exchange->request,
                             &exchange->variables, context->client, upstream, context->buffers);
    if (result == RELAY_FAILED)
        exchange->fault = exchange->relay.fault;
    return result;
}

/* Whether the client's own Authorization went to the target, which may take the connection for
 * authenticated from then on (RFC 4559, and NTLM). */
static bool sends_own_credentials(const struct exchange *exchange)
{
    return exchange->request.has_authorization &&
           !config_fields_have(&exchange->route->request_fields, slice_of("Authorization"));
}

/* The target has refused the tokens of a request that can be sent again. Any method can: 401 says
 * that it was not acted upon (RFC 9110 15.5.2). Without other tokens the client gets the 401. */
static enum relay_result settle_refusal(struct exchange *exchange)
{
    struct exchange_context *context = exchange->context;
    enum credentials found = credentials_renew(exchange->route, context->client->fd);

    if (found == CREDENTIALS_CLIENT_GONE)
        return RELAY_CLIENT_GONE;
    if (found == CREDENTIALS_MISSING) {
        enum relay_result result = relay_release(&exchange->relay, context->buffers);
        if (result == RELAY_FAILED)
            exchange->fault = exchange->relay.fault;
        return result;
    }
    log_debug("sent again, with another token (id %s)", exchange->request_id);
    if (relay_has_content(&exchange->relay))
        exchange->request.expects_100 = false;
    upstream_drop(exchange->upstream);
    return forward(exchange, true);
}

/* Whether the target's connection can carry another exchange. */
static bool keeps_upstream(const struct relay *relay)
{
    return relay->download.response.keep_alive && !relay->download.surplus &&
           upload_is_sent(&relay->upload);
}

static enum exchange_result finish(struct exchange *exchange)
{
    struct exchange_context *context = exchange->context;
    const struct relay *relay = &exchange->relay;

    if (download_ends_by_close(&relay->download))
        client_guard(context->client, false);
    if (keeps_upstream(relay)) {
        exchange->upstream->reused = true;
        exchange->upstream->is_bound |= sends_own_credentials(exchange);
    } else
        upstream_drop(exchange->upstream);
    return relay->download.keep_client ? EXCHANGE_KEEP : EXCHANGE_CLOSE;
}

static enum exchange_result run_tunnel(struct exchange *exchange)
{
    struct exchange_context *context = exchange->context;
    struct tunnel_count count;

    scoreboard_set_state(SCOREBOARD_TUNNEL);
    bool whole = tunnel_run(context->client, exchange->upstream, &context->buffers->up,
                            &context->buffers->down, context->config->timeouts.tunnel_idle, &count);
    exchange->bytes_in += count.up;
    exchange->bytes_out += count.down;
    if (whole)
        upstream_drop(exchange->upstream);
    else
        upstream_abort(exchange->upstream);
    return whole ? EXCHANGE_CLOSE : EXCHANGE_RESET;
}

static enum exchange_result cut(struct exchange *exchange)
{
    const char *name = exchange->route->target->name;

    upstream_drop(exchange->upstream);
    exchange->fault = exchange->relay.fault;
    if (exchange->fault.type == NULL)
        fault_set(&exchange->fault, 502, "http_response_incomplete",
                  "target %s: ended the response early", name);
    log_warning("%s; the client got a part (client %s, id %s)", exchange->fault.detail,
                exchange->context->client->name, exchange->request_id);
    return download_ends_by_close(&exchange->relay.download) ? EXCHANGE_RESET : EXCHANGE_CLOSE;
}

/* A secret has come back. Where the response was refused for it, that is told elsewhere. */
static void note_secret(const struct exchange *exchange)
{
    bool blocked = exchange->relay.download.stopped;

    scoreboard_note_secret(blocked);
    if (!blocked)
        log_warning("target %s: a secret of the bridge stands in its response, and is masked "
                    "(reflect_guard; client %s, id %s)",
                    exchange->route->target->name, exchange->context->client->name,
                    exchange->request_id);
}

static enum exchange_result serve_admitted(struct exchange *exchange)
{
    exchange->upstream_us = clock_now_us();
    exchange->upstream = upstreams_take(exchange->context->upstreams, exchange->route);
    begin_mapping(exchange);
    if (exchange->route->guard != NULL)
        exchange->request.upgrades = false; /* a tunnel cannot be looked into */
    enum relay_result result = forward(exchange, false);
    if (result == RELAY_STALE) {
        upstream_drop(exchange->upstream);
        result = forward(exchange, false);
    }
    if (result == RELAY_REFUSED)
        result = settle_refusal(exchange);
    const struct relay *relay = &exchange->relay;
    exchange->bytes_in = relay->upload.content_bytes;
    exchange->bytes_out = relay->download.content_bytes;
    if (relay->download.begun)
        exchange->status = relay->download.response.status;
    if (relay->download.screen.found)
        note_secret(exchange);

    switch (result) {
    case RELAY_DONE:
        return finish(exchange);
    case RELAY_SWITCHED:
        return run_tunnel(exchange);
    case RELAY_CUT:
        return cut(exchange);
    case RELAY_FAILED:
    case RELAY_STALE:
    case RELAY_REFUSED:
        return answer_with_fault(exchange);
    case RELAY_CLIENT_GONE:
        break;
    }
    upstream_drop(exchange->upstream);
    return EXCHANGE_ABORT;
}

/* Nothing goes to the target without the tokens that the route adds. Why there is none stands in
 * the keeper's log. */
static enum exchange_result serve(struct exchange *exchange)
{
    scoreboard_set_state(SCOREBOARD_WAITING);
    if (credentials_are_outdated(exchange->route))
        exchange->request.keep_alive = false; /* the next connection has tokens that are renewed */
    switch (credentials_await(exchange->route, exchange->context->client->fd)) {
    case CREDENTIALS_MISSING:
        fault_set(&exchange->fault, 502, "proxy_configuration_error",
                  "the bridge has no valid token at present; its log says why");
        exchange->fault.is_logged = true;
        return answer_with_fault(exchange);
    case CREDENTIALS_CLIENT_GONE:
        return EXCHANGE_ABORT;
    case CREDENTIALS_READY:
        break;
    }
    return serve_admitted(exchange);
}

/* ---- the whole ---- */

static const char *error_of(const struct exchange *exchange, enum exchange_result result)
{
    if (exchange->fault.type != NULL)
        return exchange->fault.type;
    if (result == EXCHANGE_ABORT)
        return "client_gone";
    return NULL;
}

static void count(const struct exchange *exchange, enum exchange_result result)
{
    struct slice method = exchange->has_head ? exchange->request.method : (struct slice){NULL, 0};
    long long head_us = exchange->relay.head_us;

    if (head_us > 0)
        scoreboard_note_time(SCOREBOARD_FIRST_BYTE, head_us - exchange->upstream_us);
    scoreboard_note_exchange(method, exchange->status, error_of(exchange, result),
                             exchange->total_us);
}

static void write_access_line(const struct exchange *exchange, enum exchange_result result)
{
    const struct exchange_context *context = exchange->context;
    long long head_us = exchange->relay.head_us;
    const struct access_exchange line = {
        .client = context->client->name,
        .client_host = context->client->host,
        .client_port = address_port(&context->client->address),
        .method = exchange->has_head ? exchange->request.method : (struct slice){NULL, 0},
        .target = exchange->request.raw_target,
        .fields = exchange->request.fields,
        .minor = exchange->request.minor,
        .status = exchange->status,
        .bytes_in = exchange->bytes_in,
        .bytes_out = exchange->bytes_out,
        .total_us = exchange->total_us,
        .upstream_us = head_us > 0 ? head_us - exchange->upstream_us : -1,
        .request_id = exchange->request_id,
        .route = exchange->route != NULL && exchange->route->section != NULL ? exchange->route->name
                                                                             : NULL,
        .user = exchange->user,
        .error = error_of(exchange, result),
    };

    if (context->config->log_access)
        access_log_write(&line, context->config->log_format, context->config->log_query);
}

enum exchange_result exchange_serve(struct exchange_context *context)
{
    struct exchange exchange = {.context = context};
    enum exchange_result result;

    scoreboard_set_state(SCOREBOARD_IDLE);
    client_begin(context->client);
    exchange.arrival = (struct arrival){
        .config = context->config,
        .client = context->client,
        .upstream = context->upstreams->current,
        .fault = &exchange.fault,
        .is_first = context->is_first,
        .since_ms = context->began_ms,
    };
    enum arrival_result arrived = arrival_await(&exchange.arrival);
    if (arrived == ARRIVAL_NONE)
        return EXCHANGE_CLOSE;

    context->is_first = false;
    request_id_make(exchange.request_id);
    exchange.variables = (struct value_context){
        .request_id = {exchange.request_id, REQUEST_ID_BYTES},
        .client_ip = slice_of(context->client->host),
        .client_has_tls = context->client->tls.ssl != NULL,
        .client_is_trusted = context->trusted,
    };
    exchange.began_us = exchange.arrival.began_us;
    if (exchange.began_us == 0)
        exchange.began_us = clock_now_us();
    if (arrived == ARRIVAL_WHOLE)
        client_pin(context->client, exchange.arrival.head.length);
    if (arrived == ARRIVAL_REFUSED || !check_request(&exchange))
        result = answer_with_fault(&exchange);
    else if (exchange.is_preflight)
        result = answer_preflight(&exchange);
    else if (exchange.route == NULL || http_request_ends_here(&exchange.request))
        result = answer_options_here(&exchange);
    else
        result = serve(&exchange);
    exchange.total_us = clock_now_us() - exchange.began_us;
    count(&exchange, result);
    write_access_line(&exchange, result);
    return result;
}
