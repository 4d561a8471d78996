/* connection: a child's life. */
#include "connection.h"

#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "exchange.h"
#include "log.h"
#include "proxy_peer.h"
#include "scoreboard.h"
#include "sign_in.h"
#include "tls_peer.h"

#if defined(__SANITIZE_ADDRESS__)
#define CHECKS_LEAKS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CHECKS_LEAKS 1
#endif
#endif

#ifdef CHECKS_LEAKS
#include <sanitizer/lsan_interface.h>
#endif

#define STACK_BYTES ((size_t)128 * 1024)

/* The one connection of this process; zeroed, and found by the leak check. */
static struct {
    const struct config *config;
    const struct listen_tls *listen; /* NULL: no listener has TLS */
    struct client client;
    struct upstreams upstreams;
    struct relay_buffers buffers;
} connection;

_Noreturn void connection_exit(enum connection_exit code)
{
#ifdef CHECKS_LEAKS
    if (__lsan_do_recoverable_leak_check() != 0)
        code = CONNECTION_LEAKED;
#endif
    _exit((int)code);
}

/* More throughput where many children share few processors: they are not made to preempt each
 * other at each wake-up. */
static void become_batch(void)
{
    const struct sched_param none = {0};

    sched_setscheduler(0, SCHED_BATCH, &none);
}

struct upstreams *connection_prepare(const struct config *config, const struct trust *trust)
{
    wait_init();
    become_batch();
    connection.config = config;
    connection.listen = trust->listen;
    if (!client_init(&connection.client, (size_t)config->limits.request_head) ||
        !relay_buffers_init(&connection.buffers, config)) {
        log_error("out of memory for a connection");
        connection_exit(CONNECTION_NO_MEMORY);
    }
    (void)upstreams_init(&connection.upstreams, config, trust); /* a request learns of it */
    return &connection.upstreams;
}

static enum exchange_result serve_exchanges(struct exchange_context *context)
{
    enum exchange_result result;

    do
        result = exchange_serve(context);
    while (result == EXCHANGE_KEEP);
    return result;
}

static void close_client(struct client *client, enum exchange_result result, long long patience_ms)
{
    scoreboard_set_state(SCOREBOARD_CLOSING);
    switch (result) {
    case EXCHANGE_ABORT:
        client_abort(client);
        break;
    case EXCHANGE_RESET:
        client_reset(client, patience_ms);
        break;
    case EXCHANGE_CLOSE:
    case EXCHANGE_KEEP:
        client_close_staged(client, patience_ms);
        break;
    }
}

/* Serves the exchanges; how the connection is to be closed. The handshake, if there is one, and the
 * first request's head have one deadline. */
static enum exchange_result serve_client(bool has_tls)
{
    const struct config *config = connection.config;
    long long began_ms = clock_now_ms();
    struct exchange_context context = {
        .config = config,
        .client = &connection.client,
        .upstreams = &connection.upstreams,
        .buffers = &connection.buffers,
        .allowed = config_allows(config, &connection.client.address),
        .trusted = config_trusts(config, &connection.client.address),
        .is_first = true,
        .began_ms = began_ms,
    };

    if (has_tls && !tls_peer_introduce(&connection.client, connection.listen,
                                       began_ms + config->timeouts.request_head))
        return EXCHANGE_CLOSE;
    return serve_exchanges(&context);
}

void connection_serve(const struct accepted *accepted, bool is_last)
{
    const struct config *config = connection.config;
    struct client *client = &connection.client;
    enum exchange_result result = EXCHANGE_ABORT;

    scoreboard_set_state(SCOREBOARD_IDLE);
    client_take_over(client, accepted->fd, &accepted->peer);
    if (!accepted->proxy_protocol || proxy_peer_introduce(client, config->timeouts.request_head))
        result = serve_client(accepted->tls);
    upstreams_drop(&connection.upstreams, is_last);
    close_client(client, result, config->timeouts.client_write);
}

/* What calls that have returned have left behind: more than the deepest of them uses. */
static __attribute__((noinline)) void wipe_stack(void)
{
    char left[STACK_BYTES];

    buffer_wipe_octets(left, sizeof left);
}

void connection_wipe(void)
{
    wipe_stack();
    sign_in_forget();
    client_wipe(&connection.client);
    relay_buffers_wipe(&connection.buffers);
}
