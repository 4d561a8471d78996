/* status: requests and answers on one connection to the status listener. */
#include "status.h"

#include <arpa/inet.h>
#include <string.h>
#include <time.h>

#include "answer.h"
#include "client.h"
#include "clock.h"
#include "connection.h"
#include "http_request.h"
#include "log.h"
#include "metrics.h"
#include "status_page.h"

#define IDLE_MS          15000 /* between two requests */
#define HEAD_MS          5000  /* from a request's first octet to the end of its head */
#define SEND_MS          5000
#define HEAD_BYTES       ((size_t)32 * 1024) /* cookies of other ports of this host come along */
#define CONTENT_BYTES    ((size_t)160 * 1024)
#define TARGET_BYTES     ((size_t)1024) /* of content, for each target */
#define NOTHING_ALLOWED  "default-src 'none'; frame-ancestors 'none'"
#define PLAIN_TEXT       "text/plain; charset=utf-8"
#define METHODS_ANSWERED "GET, HEAD"

struct status {
    const struct status_facts *facts;
    struct client client;
    struct http_head head;
    struct http_request request;
    struct scoreboard_snapshot snapshot;
    struct buffer content;
    bool allowed;
};

/* ---- contents: each appends one and says its status ---- */

static unsigned add_page(struct status *status)
{
    buffer_add(&status->content, status_page());
    return 200;
}

static unsigned add_health(struct status *status)
{
    buffer_add_text(&status->content, status->snapshot.draining ? "draining\n" : "ok\n");
    return status->snapshot.draining ? 503 : 200;
}

static unsigned add_report(struct status *status)
{
    status_report_add(status->facts, &status->snapshot, (long long)time(NULL), &status->content);
    return 200;
}

static unsigned add_metrics(struct status *status)
{
    const struct metrics_facts facts = {
        .config = status->facts->config,
        .targets = status->facts->targets,
        .started = status->facts->started,
        .reloaded = status->facts->loaded,
        .last_reload_failed = status->facts->reload_fault[0] != '\0',
    };

    metrics_add(&status->snapshot, &facts, &status->content);
    return 200;
}

static const struct resource {
    const char *path;
    const char *type;
    unsigned (*add)(struct status *status);
} resources[] = {
    {"/", "text/html; charset=utf-8", add_page},
    {"/healthz", PLAIN_TEXT, add_health},
    {"/status", "application/json", add_report},
    {"/metrics", METRICS_TYPE, add_metrics},
};

static const struct resource *find_resource(const struct http_request *request)
{
    struct slice path = request->target;
    const char *query = path.len > 0 ? memchr(path.at, '?', path.len) : NULL;

    if (query != NULL)
        path.len = (size_t)(query - path.at);
    if (path.len == 0 && request->rootless)
        path = slice_of("/");
    for (size_t i = 0; i < sizeof resources / sizeof resources[0]; i++)
        if (slice_equals(path, slice_of(resources[i].path)))
            return &resources[i];
    return NULL;
}

/* ---- checks ---- */

/* Whether a request was made for this machine and not for a name that somebody else made point to
 * it: a page from elsewhere could read the answers then (DNS rebinding). */
static bool is_for_us(struct slice authority)
{
    char host[INET_ADDRSTRLEN];
    struct in_addr address;

    if (authority.len == 0 || authority.at[0] == '[')
        return true; /* no Host: no browser; an IPv6 address */
    const char *colon = memchr(authority.at, ':', authority.len);
    if (colon != NULL)
        authority.len = (size_t)(colon - authority.at);
    if (slice_equals_nocase(authority, slice_of("localhost")))
        return true;
    if (authority.len >= sizeof host)
        return false;
    memcpy(host, authority.at, authority.len);
    host[authority.len] = '\0';
    return inet_pton(AF_INET, host, &address) == 1;
}

/* The status of a refusal with its reason; 0 for a request that is answered. */
static unsigned check_request(struct status *status, const char **reason)
{
    struct http_fault fault;

    if (!http_request_read(&status->head, &status->request, &fault)) {
        *reason = fault.detail;
        return fault.status;
    }
    *reason = "this address is not in the bridge's allow list";
    if (!status->allowed)
        return 403;
    *reason = "ask for this machine by its address, or as localhost";
    if (!is_for_us(status->request.authority))
        return 421;
    *reason = "only GET and HEAD are served";
    if (!status->request.is_head && !slice_equals(status->request.method, slice_of("GET")))
        return 405;
    *reason = "there are /, /healthz, /status and /metrics";
    return find_resource(&status->request) == NULL ? 404 : 0;
}

/* ---- answering ---- */

/* Sends the content under a head for it. false when the connection is to end. */
static bool send_content(struct status *status, unsigned code, const struct resource *resource,
                         bool keep)
{
    char space[ANSWER_BYTES_MAX];
    char policy[STATUS_PAGE_POLICY_BYTES] = NOTHING_ALLOWED;
    struct buffer head = {.at = space, .cap = sizeof space};
    long long deadline = clock_now_ms() + SEND_MS;

    if (resource != NULL && resource->add == add_page)
        status_page_policy(policy);
    answer_begin(code, !keep, keep && status->request.minor == 0, &head);
    if (code == 405)
        buffer_add_text(&head, "Allow: " METHODS_ANSWERED "\r\n");
    buffer_add_text(&head, "Content-Type: ");
    buffer_add_text(&head, resource != NULL ? resource->type : PLAIN_TEXT);
    buffer_add_text(&head, "\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
                           "Cross-Origin-Resource-Policy: same-origin\r\n"
                           "Content-Security-Policy: ");
    buffer_add_text(&head, policy);
    buffer_add_text(&head, "\r\nContent-Length: ");
    buffer_add_decimal(&head, buffer_length(&status->content));
    buffer_add_text(&head, "\r\n\r\n");
    return client_send_all(&status->client, buffer_content(&head), deadline) &&
           (status->request.is_head ||
            client_send_all(&status->client, buffer_content(&status->content), deadline)) &&
           keep;
}

static bool refuse(struct status *status, unsigned code, const char *reason, bool keep)
{
    const char *const parts[] = {"authbridge: ", answer_reason(code), ": ", reason, "\n"};

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        buffer_add_text(&status->content, parts[i]);
    return send_content(status, code, NULL, keep);
}

/* Answers the request whose head has come. false when the connection is to end. */
static bool answer(struct status *status)
{
    const char *reason = NULL;
    unsigned code = check_request(status, &reason);
    bool keep = status->request.keep_alive && status->request.framing == HTTP_FRAMING_NONE &&
                !wait_is_draining();

    buffer_clear(&status->content);
    if (code != 0)
        return refuse(status, code, reason, keep && (code == 404 || code == 405));
    const struct resource *resource = find_resource(&status->request);
    scoreboard_read(&status->snapshot);
    code = resource->add(status);
    if (!status->content.overflowed)
        return send_content(status, code, resource, keep);
    buffer_clear(&status->content);
    return refuse(status, 500, "the answer is too long", false);
}

/* ---- the connection ---- */

enum head_wait { HEAD_READ, HEAD_REFUSED, HEAD_NONE };

static enum head_wait read_head(struct status *status)
{
    struct pollfd socket = {.fd = status->client.fd, .events = POLLIN};
    long long idle_by = clock_now_ms() + IDLE_MS;
    long long head_by = 0;

    for (;;) {
        struct slice received = client_received(&status->client);
        enum http_progress progress = http_head_parse(&status->head, received.at, received.len);
        if (progress != HTTP_PARTIAL)
            return progress == HTTP_COMPLETE ? HEAD_READ : HEAD_REFUSED;
        bool is_idle = !http_head_has_begun(&status->head);
        if (!is_idle && head_by == 0)
            head_by = clock_now_ms() + HEAD_MS;
        if (is_idle && wait_is_draining())
            return HEAD_NONE;
        int ready = wait_ready(&socket, 1, is_idle ? idle_by : head_by);
        if (ready == 0)
            return HEAD_NONE;
        enum io_result result = ready > 0 ? client_fill(&status->client) : IO_AGAIN;
        if (result == IO_END || result == IO_FAILED)
            return HEAD_NONE;
    }
}

/* Serves one request. false when the connection is to end. */
static bool serve_one(struct status *status)
{
    const struct http_limits limits = {HEAD_BYTES, HEAD_BYTES, 200};

    client_begin(&status->client);
    http_head_init(&status->head, HTTP_REQUEST, limits);
    status->request = (struct http_request){0};
    switch (read_head(status)) {
    case HEAD_READ:
        client_pin(&status->client, status->head.length);
        return answer(status);
    case HEAD_REFUSED:
        buffer_clear(&status->content);
        return refuse(status, status->head.fault.status, status->head.fault.detail, false);
    case HEAD_NONE:
        break;
    }
    return false;
}

/* Room for the longest of the contents. */
static size_t content_bytes(const struct config *config)
{
    return CONTENT_BYTES + config->target_count * TARGET_BYTES;
}

_Noreturn void status_serve(int fd, const struct address *peer, const struct status_facts *facts)
{
    static struct status status; /* zeroed, and found by the leak check */

    wait_init();
    status.facts = facts;
    status.allowed = config_allows(facts->config, peer);
    if (!client_init(&status.client, HEAD_BYTES) ||
        !buffer_init(&status.content, content_bytes(facts->config))) {
        log_error("out of memory for the status page");
        connection_exit(CONNECTION_NO_MEMORY);
    }
    client_take_over(&status.client, fd, peer);
    while (serve_one(&status))
        ;
    client_close_staged(&status.client, SEND_MS);
    connection_exit(CONNECTION_SERVED);
}
