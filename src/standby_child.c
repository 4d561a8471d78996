/* standby_child: what a child that was forked ahead does. */
#include "standby_child.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "connection.h"
#include "handover.h"
#include "log.h"
#include "process.h"
#include "scoreboard.h"
#include "wait.h"

#define RETRY_FIRST_MS 1000
#define RETRY_LAST_MS  60000
#define DESCRIPTORS    16   /* more than a child with one target ever opens */
#define STALE_MS       5000 /* idle for so long, a connection may be at its end without our knowing */

struct standby {
    int channel;
    const struct config *config;
    struct upstreams *upstreams;
    struct upstream *upstream; /* the one that is connected ahead; NULL: none */
    long long connected_ms;
    long long retry_ms; /* no connection is made ahead before */
    long long delay_ms; /* between the attempt at hand and the next */
};

/* A target that is down, or closes what is idle, is tried again less and less often. */
static void retry_later(struct standby *standby)
{
    standby->retry_ms = clock_now_ms() + standby->delay_ms;
    standby->delay_ms *= 2;
    if (standby->delay_ms > RETRY_LAST_MS)
        standby->delay_ms = RETRY_LAST_MS;
}

static bool is_connected(const struct standby *standby)
{
    return standby->upstream != NULL && standby->upstream->fd >= 0;
}

static bool may_connect(const struct standby *standby)
{
    return standby->config->preconnect && standby->upstreams->is_ready && !is_connected(standby);
}

static bool wants_connection(const struct standby *standby)
{
    return may_connect(standby) && clock_now_ms() >= standby->retry_ms;
}

/* Turns to the target that the next client will most likely want: in the middle of connecting,
 * that one. */
static void choose_target(struct standby *standby)
{
    if (!standby->upstreams->is_ready ||
        (standby->upstream != NULL && standby->upstream->connecting))
        return;
    standby->upstream = upstreams_take_likely(standby->upstreams);
}

static void connect_ahead(struct standby *standby)
{
    struct fault fault;

    choose_target(standby);
    switch (upstream_connect_ahead(standby->upstream, standby->channel, &fault)) {
    case UPSTREAM_CONNECTED:
        standby->connected_ms = clock_now_ms();
        break;
    case UPSTREAM_UNREACHABLE:
        log_debug("%s (ahead of a client; again in %lld s)", fault.detail,
                  standby->delay_ms / 1000);
        retry_later(standby);
        break;
    default:
        break;
    }
}

/* Waits for a client, and watches the idle connection to the target meanwhile: whatever comes on
 * it is its end. */
static void wait_for_client(struct standby *standby)
{
    struct upstream *upstream = standby->upstream;
    struct pollfd sockets[] = {
        {.fd = standby->channel, .events = POLLIN},
        {.fd = upstream != NULL ? upstream->fd : -1, .events = POLLIN},
    };

    int ready = wait_ready(sockets, 2, may_connect(standby) ? standby->retry_ms : CLOCK_NEVER);
    if (ready > 0 && sockets[1].revents != 0 && !upstream_check_idle(upstream))
        retry_later(standby);
}

/* Whether a client came. */
static bool await_client(struct standby *standby, struct accepted *accepted)
{
    standby->retry_ms = 0;
    standby->delay_ms = RETRY_FIRST_MS;
    for (;;) {
        enum handover handover = handover_receive(standby->channel, accepted);
        if (handover != HANDOVER_NONE)
            return handover == HANDOVER_TAKEN;
        if (wants_connection(standby))
            connect_ahead(standby);
        else
            wait_for_client(standby);
    }
}

/* A child that was forked during a shortage has its limit, too: the socket of a client that it was
 * handed would be lost. */
static bool may_open_enough(const struct config *config)
{
    size_t more = config->target_count < UPSTREAMS_MAX ? config->target_count : UPSTREAMS_MAX;
    struct rlimit limit;

    return getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
           limit.rlim_cur >= DESCRIPTORS + (more - 1) * UPSTREAM_DESCRIPTORS;
}

/* Tells the master that another connection can come. */
static bool come_back(int returns)
{
    pid_t pid = getpid();

    return send(returns, &pid, sizeof pid, MSG_NOSIGNAL) == (ssize_t)sizeof pid;
}

_Noreturn void standby_run(int channel, int returns, const struct config *config,
                           const struct trust *trust)
{
    struct standby standby = {.channel = channel, .config = config};
    struct accepted accepted = {.fd = -1};

    if (!may_open_enough(config))
        connection_exit(CONNECTION_NO_MEMORY);
    standby.upstreams = connection_prepare(config, trust);
    choose_target(&standby);

    for (long long left = config->recycle; await_client(&standby, &accepted); left--) {
        prctl(PR_SET_NAME, PROCESS_NAME);
        if (standby.upstream != NULL && clock_now_ms() - standby.connected_ms >= STALE_MS)
            standby.upstream->reused = true;
        connection_serve(&accepted, left == 1);
        if (left == 1)
            break;
        connection_wipe();
        standby.upstream = standby.upstreams->current;
        prctl(PR_SET_NAME, STANDBY_NAME);
        scoreboard_set_state(SCOREBOARD_STANDBY);
        if (!come_back(returns))
            break;
    }
    upstreams_drop(standby.upstreams, true);
    connection_exit(CONNECTION_SERVED);
}
