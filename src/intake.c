/* intake: takes clients' connections and gives each to a child. */
#include "intake.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "connection.h"
#include "log.h"
#include "process.h"
#include "scoreboard.h"

#define ACCEPT_BURST 16   /* connections taken from a listener before signals are looked at */
#define BACK_OFF_MS  100  /* after a shortage of descriptors, memory or processes */
#define HOLD_MS      5000 /* of a shortage, until connections without a child get a 503 */

/* ---- children ---- */

/* Forks a child for one connection. false when that cannot be; never returns in the child. */
static bool fork_for(struct intake *intake, const struct accepted *accepted)
{
    const struct process_start start = {
        .name = PROCESS_NAME,
        .state = SCOREBOARD_IDLE,
        .keep = {accepted->fd},
        .keep_count = 1,
    };
    int slot;

    pid_t pid = children_reserve(&intake->children) ? process_fork(&start, &slot) : -1;
    if (pid < 0)
        return false;
    if (pid == 0) {
        connection_prepare(intake->config, intake->trust);
        connection_serve(accepted, true);
        connection_exit(CONNECTION_SERVED);
    }
    scoreboard_note_event(SCOREBOARD_FORKED);
    children_add(&intake->children, (struct child){.pid = pid,
                                                   .role = CHILD_SERVING,
                                                   .channel = -1,
                                                   .slot = slot,
                                                   .client = accepted->client});
    return true;
}

/* Gives the connection to a child, a standby or one made for it. false when none can be had now. */
static bool start_child(struct intake *intake, const struct accepted *accepted)
{
    if (!standby_hand_over(&intake->standbys, &intake->children, accepted, intake->config,
                           intake->trust) &&
        !fork_for(intake, accepted)) {
        if (intake->shortage_ms == 0)
            intake->shortage_ms = clock_now_ms();
        return false;
    }
    intake->shortage_ms = 0;
    close(accepted->fd);
    return true;
}

/* How a child ended, for the scoreboard. */
static enum scoreboard_event end_of(const struct intake *intake, int status)
{
    if (WIFSIGNALED(status))
        return intake->is_stopping && WTERMSIG(status) == SIGKILL ? SCOREBOARD_EXIT_KILLED
                                                                  : SCOREBOARD_EXIT_CRASHED;
    return WEXITSTATUS(status) == CONNECTION_SERVED ? SCOREBOARD_EXIT_SERVED
                                                    : SCOREBOARD_EXIT_FAILED;
}

/* Whether it ended as it should; says what was wrong. */
static bool report_child(struct intake *intake, pid_t pid, int status)
{
    enum scoreboard_event end = end_of(intake, status);

    scoreboard_note_event(end);
    if (end == SCOREBOARD_EXIT_CRASHED) {
        intake->crashes++;
        log_error("child %d was ended by signal %d (%s); its connection is lost, no other is",
                  (int)pid, WTERMSIG(status), strsignal(WTERMSIG(status)));
    } else if (end == SCOREBOARD_EXIT_FAILED) {
        log_warning("child %d ended with status %d", (int)pid, WEXITSTATUS(status));
    } else {
        return true;
    }
    return false;
}

void intake_reap(struct intake *intake, pid_t pid, int status)
{
    struct child child;

    if (!children_remove(&intake->children, pid, &child))
        return;
    scoreboard_release(child.slot);
    standby_forget(&intake->standbys, &child, !report_child(intake, pid, status));
}

/* ---- accepting ---- */

static bool is_full(struct intake *intake)
{
    if (intake->children.counts[CHILD_SERVING] < (size_t)intake->config->limits.connections)
        return false;
    log_warning_limited(&intake->full_logged_ms,
                        "all %lld connections are in use: new ones wait; raise connections in "
                        "[limits] if that lasts",
                        intake->config->limits.connections);
    return true;
}

void intake_back_off(struct intake *intake, const char *what)
{
    intake->resume_ms = clock_now_ms() + BACK_OFF_MS;
    log_warning_limited(&intake->shortage_logged_ms,
                        "%s: %s; new connections wait until that is over", what, strerror(errno));
}

static void hold(struct intake *intake, const struct accepted *accepted)
{
    intake_back_off(intake, "cannot start a child");
    intake->held = *accepted;
}

static void refuse_held(struct intake *intake)
{
    struct fault fault;

    fault_set(&fault, 503, "proxy_internal_error", "no process can be had for this connection");
    refusal_answer(&intake->held, &fault);
    intake->held.fd = -1;
}

/* Tries again for a connection that waits for a child. */
static void retry_held(struct intake *intake)
{
    if (intake->held.fd < 0 || clock_now_ms() < intake->resume_ms)
        return;
    if (start_child(intake, &intake->held)) {
        intake->held.fd = -1;
        return;
    }
    intake_back_off(intake, "cannot start a child");
    if (clock_now_ms() - intake->shortage_ms >= HOLD_MS)
        refuse_held(intake);
}

/* Errors of one connection that ended before it was accepted (accept(2)); the rest are shortages.
 */
static bool is_shortage(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/* Whether the connection is from a peer whose PROXY header would not be believed: it is closed. */
static bool is_refused(struct intake *intake, const struct accepted *accepted)
{
    char text[ADDRESS_TEXT_BYTES];

    if (!accepted->proxy_protocol || config_believes(intake->config, &accepted->peer))
        return false;
    address_format(&accepted->peer, text);
    log_warning_limited(&intake->distrust_logged_ms,
                        "connection of %s closed: this listener is for load balancers, and the "
                        "address is not in trusted in [access]",
                        text);
    close(accepted->fd);
    return true;
}

/* Whether the client has as many connections as one may have: it is told so, without a child. */
static bool is_crowded(struct intake *intake, const struct accepted *accepted)
{
    long long limit = intake->config->limits.connections_per_client;
    char text[ADDRESS_TEXT_BYTES];
    struct fault fault;

    if (client_counts_of(&intake->children.clients, accepted->client) < (size_t)limit)
        return false;
    address_format_host(&accepted->peer, text);
    log_warning_limited(&intake->crowd_logged_ms,
                        "client %s has %lld connections: more of them get 429; raise "
                        "connections_per_client in [limits] if it should have more",
                        text, limit);
    fault_set(&fault, 429, "connection_limit_reached",
              "this client has %lld connections already, as many as connections_per_client allows",
              limit);
    scoreboard_note_event(SCOREBOARD_REFUSED);
    refusal_answer_early(&intake->refusals, accepted, &fault);
    return true;
}

/* Takes one connection. false when there is none, or none can be taken now. */
static bool accept_one(struct intake *intake, const struct listener *listener)
{
    struct accepted accepted = {
        .peer = {.len = sizeof accepted.peer.storage},
        .proxy_protocol = listener->proxy_protocol,
        .tls = listener->tls,
    };

    accepted.fd = accept4(listener->fd, (struct sockaddr *)&accepted.peer.storage,
                          &accepted.peer.len, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (accepted.fd < 0) {
        if (is_shortage(errno))
            intake_back_off(intake, "cannot accept a connection");
        return false;
    }
    if (!accepted.proxy_protocol)
        accepted.client = client_key_of(&accepted.peer);
    intake->accepted++;
    scoreboard_note_event(SCOREBOARD_ACCEPTED);
    if (is_refused(intake, &accepted) || is_crowded(intake, &accepted) ||
        start_child(intake, &accepted))
        return true;
    hold(intake, &accepted);
    return false;
}

bool intake_is_open(struct intake *intake)
{
    return !intake->is_stopping && intake->held.fd < 0 && clock_now_ms() >= intake->resume_ms &&
           !is_full(intake);
}

void intake_accept_some(struct intake *intake, const struct listener *listener)
{
    for (int i = 0; i < ACCEPT_BURST; i++)
        if (!intake_is_open(intake) || !accept_one(intake, listener))
            return;
}

/* Whether the listener goes on under the next configuration, if there is one. */
static bool is_kept(const struct listener *listener, const struct config *next)
{
    bool kept = listener->inherited;

    for (size_t i = 0; next != NULL && !kept && i < next->listen_count; i++)
        kept = listener_is_at(listener, &next->listen[i].address);
    return kept;
}

void intake_accept_waiting(struct intake *intake, const struct listeners *listeners,
                           const struct config *next)
{
    for (size_t i = 0; i < listeners->count; i++) {
        const struct listener *listener = &listeners->items[i];
        if (is_kept(listener, next))
            continue;
        while (intake_is_open(intake) && accept_one(intake, listener))
            ;
    }
}

/* ---- the rest ---- */

bool intake_init(struct intake *intake)
{
    *intake = (struct intake){.held = {.fd = -1}};
    return standby_init(&intake->standbys);
}

void intake_free(struct intake *intake)
{
    refusal_end(&intake->refusals);
    standby_free(&intake->standbys);
    children_free(&intake->children);
}

void intake_use(struct intake *intake, const struct config *config, const struct trust *trust)
{
    standby_retire(&intake->standbys, &intake->children);
    intake->config = config;
    intake->trust = trust;
}

int intake_socket(const struct intake *intake)
{
    return intake->standbys.returns[0];
}

void intake_take_back(struct intake *intake)
{
    standby_take_returns(&intake->standbys, &intake->children);
}

void intake_tend(struct intake *intake)
{
    refusal_tend(&intake->refusals);
    retry_held(intake);
    if (!intake->is_stopping)
        standby_tend(&intake->standbys, &intake->children, intake->config, intake->trust);
}

static long long next_of_children(const struct intake *intake)
{
    if (intake->is_stopping)
        return CLOCK_NEVER;
    if (intake->resume_ms > clock_now_ms())
        return intake->resume_ms;
    return standby_next_event(&intake->standbys, intake->config);
}

long long intake_next_event(const struct intake *intake)
{
    long long children = next_of_children(intake);
    long long refusals = refusal_next_event(&intake->refusals);

    return refusals < children ? refusals : children;
}

size_t intake_connections(const struct intake *intake)
{
    return intake->children.counts[CHILD_SERVING];
}

void intake_stop(struct intake *intake)
{
    intake->is_stopping = true;
    standby_retire(&intake->standbys, &intake->children);
    children_signal(&intake->children, SIGTERM);
    if (intake->held.fd >= 0)
        refuse_held(intake);
}

void intake_kill(struct intake *intake)
{
    children_signal(&intake->children, SIGKILL);
}
