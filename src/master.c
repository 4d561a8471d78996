/* master: the accept loop, one child per connection. */
#include "master.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "answer.h"
#include "children.h"
#include "clock.h"
#include "connection.h"
#include "listener.h"
#include "log.h"
#include "privileges.h"
#include "process.h"
#include "rehearsal.h"
#include "scoreboard.h"
#include "standby.h"
#include "status_server.h"
#include "summary.h"
#include "trust.h"
#include "unit.h"

#define ACCEPT_BURST  16   /* connections taken from a listener before signals are looked at */
#define BACK_OFF_MS   100  /* after a shortage of descriptors, memory or processes */
#define HOLD_MS       5000 /* of a shortage, until connections without a child get a 503 */
#define STOP_SPARE_MS 5000 /* beyond drain, for the processes to end */

struct master {
    const struct config_source *source;
    struct service *service;
    struct config *config;
    struct trust trust;
    struct listeners listeners;
    struct children children;
    struct status_server status;
    struct standbys standbys;
    struct accepted held;  /* a connection for which no child could be made */
    sigset_t waiting_mask; /* while it waits, all signals get through */
    long long started_ms;
    long long resume_ms;   /* nothing is accepted before: a shortage */
    long long drain_ms;    /* when a drain ends by force; CLOCK_NEVER while serving */
    bool forced;           /* it has: the children that were left have been killed */
    long long shortage_ms; /* since when no child can be had; 0: one could */
    long long full_logged_ms, shortage_logged_ms, distrust_logged_ms;
    unsigned long long accepted, reloads, crashes;
};

/* ---- signals: handlers set flags, read while signals are blocked ---- */

static volatile sig_atomic_t got_stop, got_reload, got_status;

static void note_signal(int signal_number)
{
    if (signal_number == SIGTERM || signal_number == SIGINT)
        got_stop = got_stop + 1;
    else if (signal_number == SIGHUP)
        got_reload = 1;
    else if (signal_number == SIGUSR1)
        got_status = 1;
    /* SIGCHLD need only wake the wait */
}

static void signals_init(struct master *master)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD};
    struct sigaction action = {.sa_handler = note_signal};
    struct sigaction old_hup;
    sigset_t blocked;

    sigaction(SIGHUP, NULL, &old_hup);
    bool was_hup_ignored = old_hup.sa_handler == SIG_IGN;
    sigemptyset(&blocked);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        sigaddset(&blocked, numbers[i]);
    sigprocmask(SIG_BLOCK, &blocked, &master->waiting_mask);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        sigdelset(&master->waiting_mask, numbers[i]); /* even if it was blocked by our parent */
        sigaction(numbers[i], &action, NULL);
    }
    if (was_hup_ignored && master->source->file == NULL)
        signal(SIGHUP, SIG_IGN); /* nohup(1): stay when the terminal goes */
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
}

/* Lets pending signals through: ppoll(2) delivers none when a socket is ready already, so that
 * under load they would never come. */
static void take_signals(const struct master *master)
{
    sigset_t blocked;

    sigprocmask(SIG_SETMASK, &master->waiting_mask, &blocked);
    sigprocmask(SIG_SETMASK, &blocked, NULL);
}

static bool is_draining(const struct master *master)
{
    return master->drain_ms != CLOCK_NEVER;
}

/* ---- children ---- */

/* Forks a child for one connection. false when that cannot be; never returns in the child. */
static bool fork_for(struct master *master, const struct accepted *accepted)
{
    const struct process_start start = {
        .name = PROCESS_NAME,
        .state = SCOREBOARD_IDLE,
        .keep = {accepted->fd},
        .keep_count = 1,
    };
    int slot;

    pid_t pid = children_reserve(&master->children) ? process_fork(&start, &slot) : -1;
    if (pid < 0)
        return false;
    if (pid == 0) {
        connection_prepare(master->config, &master->trust);
        connection_serve(accepted);
        connection_exit(CONNECTION_SERVED);
    }
    scoreboard_note_event(SCOREBOARD_FORKED);
    children_add(&master->children,
                 (struct child){.pid = pid, .role = CHILD_SERVING, .channel = -1, .slot = slot});
    return true;
}

/* Gives the connection to a child, a standby or one made for it. false when none can be had now. */
static bool child_start(struct master *master, const struct accepted *accepted)
{
    if (!standby_hand_over(&master->standbys, &master->children, accepted, master->config,
                           &master->trust) &&
        !fork_for(master, accepted)) {
        if (master->shortage_ms == 0)
            master->shortage_ms = clock_now_ms();
        return false;
    }
    master->shortage_ms = 0;
    close(accepted->fd);
    return true;
}

/* How a child ended, for the scoreboard. */
static enum scoreboard_event end_of(const struct master *master, int status)
{
    if (WIFSIGNALED(status))
        return is_draining(master) && WTERMSIG(status) == SIGKILL ? SCOREBOARD_EXIT_KILLED
                                                                  : SCOREBOARD_EXIT_CRASHED;
    return WEXITSTATUS(status) == CONNECTION_SERVED ? SCOREBOARD_EXIT_SERVED
                                                    : SCOREBOARD_EXIT_FAILED;
}

/* Whether it ended as it should; says what was wrong. */
static bool child_report(struct master *master, pid_t pid, int status)
{
    enum scoreboard_event end = end_of(master, status);

    scoreboard_note_event(end);
    if (end == SCOREBOARD_EXIT_CRASHED) {
        master->crashes++;
        log_error("child %d was ended by signal %d (%s); its connection is lost, no other is",
                  (int)pid, WTERMSIG(status), strsignal(WTERMSIG(status)));
    } else if (end == SCOREBOARD_EXIT_FAILED) {
        log_warning("child %d ended with status %d", (int)pid, WEXITSTATUS(status));
    } else {
        return true;
    }
    return false;
}

static void children_reap(struct master *master)
{
    struct child child;
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (status_server_reap(&master->status, pid) ||
            !children_remove(&master->children, pid, &child))
            continue;
        scoreboard_release(child.slot);
        standby_forget(&master->standbys, &child, !child_report(master, pid, status));
    }
}

/* ---- accepting ---- */

static bool is_full(struct master *master)
{
    if (master->children.counts[CHILD_SERVING] < (size_t)master->config->limits.connections)
        return false;
    log_warning_limited(&master->full_logged_ms,
                        "all %lld connections are in use: new ones wait; raise connections in "
                        "[limits] if that lasts",
                        master->config->limits.connections);
    return true;
}

static void back_off(struct master *master, const char *what)
{
    master->resume_ms = clock_now_ms() + BACK_OFF_MS;
    log_warning_limited(&master->shortage_logged_ms,
                        "%s: %s; new connections wait until that is over", what, strerror(errno));
}

static void hold(struct master *master, const struct accepted *accepted)
{
    back_off(master, "cannot start a child");
    master->held = *accepted;
}

/* One try at an answer, without waiting for the client. What it has sent is read, so that no reset
 * erases the answer. */
static void refuse_held(struct master *master)
{
    char space[2 * ANSWER_BYTES_MAX];
    struct buffer answer = {.at = space, .cap = sizeof space};
    struct fault fault;

    fault_set(&fault, 503, "proxy_internal_error", "no process can be had for this connection");
    answer_fault(&fault, false, true, false, &answer);
    (void)!send(master->held.fd, answer.at, answer.end, MSG_DONTWAIT | MSG_NOSIGNAL);
    shutdown(master->held.fd, SHUT_WR);
    while (recv(master->held.fd, space, sizeof space, MSG_DONTWAIT) > 0)
        ;
    close(master->held.fd);
    master->held.fd = -1;
}

/* Tries again for a connection that waits for a child. */
static void retry_held(struct master *master)
{
    if (master->held.fd < 0 || clock_now_ms() < master->resume_ms)
        return;
    if (child_start(master, &master->held)) {
        master->held.fd = -1;
        return;
    }
    back_off(master, "cannot start a child");
    if (clock_now_ms() - master->shortage_ms >= HOLD_MS)
        refuse_held(master);
}

/* Errors of one connection that ended before it was accepted (accept(2)); the rest are shortages.
 */
static bool is_shortage(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/* Whether the connection is from a peer whose PROXY header would not be believed: it is closed. */
static bool is_refused(struct master *master, const struct accepted *accepted)
{
    char text[ADDRESS_TEXT_BYTES];

    if (!accepted->proxy_protocol || config_believes(master->config, &accepted->peer))
        return false;
    address_format(&accepted->peer, text);
    log_warning_limited(&master->distrust_logged_ms,
                        "connection of %s closed: this listener is for load balancers, and the "
                        "address is not in trusted in [access]",
                        text);
    close(accepted->fd);
    return true;
}

/* Takes one connection. false when there is none, or none can be taken now. */
static bool accept_one(struct master *master, const struct listener *listener)
{
    struct accepted accepted = {
        .peer = {.len = sizeof accepted.peer.storage},
        .proxy_protocol = listener->proxy_protocol,
    };

    accepted.fd = accept4(listener->fd, (struct sockaddr *)&accepted.peer.storage,
                          &accepted.peer.len, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (accepted.fd < 0) {
        if (is_shortage(errno))
            back_off(master, "cannot accept a connection");
        return false;
    }
    master->accepted++;
    scoreboard_note_event(SCOREBOARD_ACCEPTED);
    if (is_refused(master, &accepted) || child_start(master, &accepted))
        return true;
    hold(master, &accepted);
    return false;
}

static bool may_accept(struct master *master)
{
    return !is_draining(master) && master->held.fd < 0 && clock_now_ms() >= master->resume_ms &&
           !is_full(master);
}

static void accept_some(struct master *master, const struct listener *listener)
{
    for (int i = 0; i < ACCEPT_BURST; i++)
        if (!may_accept(master) || !accept_one(master, listener))
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

/* Takes all that wait in the queues of the listeners that are about to be closed, which would reset
 * them. */
static void accept_waiting(struct master *master, const struct config *next)
{
    for (size_t i = 0; i < master->listeners.count; i++) {
        const struct listener *listener = &master->listeners.items[i];
        if (is_kept(listener, next))
            continue;
        while (may_accept(master) && accept_one(master, listener))
            ;
    }
}

/* ---- reload, drain, status ---- */

/* For the moment: a reload makes it void. */
static struct service_load load_of(const struct master *master)
{
    struct scoreboard_snapshot snapshot;

    scoreboard_read(&snapshot);
    return (struct service_load){
        .connections = (size_t)scoreboard_connections(&snapshot),
        .connections_max = master->config->limits.connections,
        .requests = scoreboard_requests_total(&snapshot),
        .trouble = config_refresh(master->config, clock_now_ms()),
    };
}

_Static_assert(TRUST_ERROR_BYTES <= CONFIG_FAULT_BYTES, "");
_Static_assert(LISTENER_ERROR_BYTES <= CONFIG_FAULT_BYTES, "");

/* Puts a configuration in force: certificates and listeners first, so that a failure changes
 * nothing. EX_OK, or, with fault filled and logged, EX_CONFIG or EX_OSERR. */
static int use_config(struct master *master, struct config *config, char fault[CONFIG_FAULT_BYTES])
{
    struct trust trust;

    if (!trust_load(config, &trust, fault)) {
        log_error("%s", fault);
        return EX_CONFIG;
    }
    accept_waiting(master, config); /* by the configuration under which they came */
    if (!status_server_prepare(&master->status, config, fault) ||
        !listeners_update(&master->listeners, config, fault)) {
        log_error("%s", fault);
        status_server_abandon(&master->status);
        trust_free(&trust);
        return EX_OSERR;
    }
    if (config->target.is_https && !rehearsal_run())
        log_debug("the rehearsal of a TLS handshake failed: new connections will take longer");
    status_server_commit(&master->status, config, &master->listeners);
    trust_free(&master->trust);
    if (config != master->config)
        config_free(master->config);
    standby_retire(&master->standbys, &master->children);
    master->trust = trust;
    master->config = config;
    log_set_level(config->log_level);
    return EX_OK;
}

static bool keeps_user(const struct master *master, const struct config *config,
                       char fault[CONFIG_FAULT_BYTES])
{
    const char *now = master->config->user != NULL ? master->config->user : "";

    if (strcmp(config->user != NULL ? config->user : "", now) == 0)
        return true;
    snprintf(fault, CONFIG_FAULT_BYTES, "user in [proxy] is not what it was: restart for that");
    log_error("%s", fault);
    return false;
}

static void reload(struct master *master)
{
    char fault[CONFIG_FAULT_BYTES];

    if (is_draining(master))
        return;
    service_tell_reloading(master->service);
    struct config *config = config_read(master->source, fault);
    if (config == NULL || !keeps_user(master, config, fault) ||
        use_config(master, config, fault) != EX_OK) {
        config_free(config);
        log_error("reload failed: the configuration in use stays in force");
        service_set_problem(master->service, "reload failed, the old configuration is in force: %s",
                            fault);
        scoreboard_note_event(SCOREBOARD_RELOAD_FAILED);
        status_server_note_reload(&master->status, fault);
    } else {
        master->reloads++;
        scoreboard_note_event(SCOREBOARD_RELOADED);
        status_server_note_reload(&master->status, "");
        log_info("reloaded: new connections use the new configuration");
        service_set_problem(master->service, "%s", "");
    }
    const struct service_load load = load_of(master);
    service_tell_ready(master->service, &load);
}

static void report_status(struct master *master)
{
    char space[SUMMARY_BYTES_MAX];
    struct buffer line = {.at = space, .cap = sizeof space};
    struct scoreboard_snapshot snapshot;
    const struct summary_facts facts = {
        .up_ms = clock_now_ms() - master->started_ms,
        .connections = master->children.counts[CHILD_SERVING],
        .connections_limit = master->config->limits.connections,
        .accepted = master->accepted,
        .reloads = master->reloads,
        .crashes = master->crashes,
    };

    got_status = 0;
    scoreboard_read(&snapshot);
    summary_add(&facts, &snapshot, &line);
    log_info("status: %.*s", (int)line.end, line.at);
}

static void begin_drain(struct master *master)
{
    char drain[UNIT_TEXT_BYTES];

    accept_waiting(master, NULL);
    master->drain_ms = clock_now_ms() + master->config->timeouts.drain;
    unit_format_duration(master->config->timeouts.drain, drain);
    scoreboard_set_draining();
    standby_retire(&master->standbys, &master->children);
    children_signal(&master->children, SIGTERM);
    log_info("stopping: %zu connections, given %s to finish",
             master->children.counts[CHILD_SERVING], drain);
    listeners_close(&master->listeners);
    if (master->held.fd >= 0)
        refuse_held(master);
    const struct service_load load = load_of(master);
    service_tell_stopping(master->service, &load, master->config->timeouts.drain + STOP_SPARE_MS);
}

static void end_drain(struct master *master)
{
    if (master->children.counts[CHILD_SERVING] > 0)
        log_warning("ending %zu connections that have not finished",
                    master->children.counts[CHILD_SERVING]);
    children_signal(&master->children, SIGKILL);
    master->forced = true;
}

static void handle_signals(struct master *master)
{
    if (got_status)
        report_status(master);
    if (got_reload && master->source->file == NULL)
        got_stop = got_stop + 1; /* nothing to read again: the terminal was closed */
    else if (got_reload)
        reload(master);
    got_reload = 0;
    if (got_stop > 0 && !is_draining(master))
        begin_drain(master);
    bool due = got_stop > 1 || clock_now_ms() >= master->drain_ms;
    if (is_draining(master) && due && !master->forced)
        end_drain(master);
}

/* ---- the loop ---- */

static long long next_event(const struct master *master)
{
    long long due = service_due(master->service);
    long long status = status_server_next_event(&master->status);
    long long own = CLOCK_NEVER;

    if (is_draining(master))
        own = master->forced ? CLOCK_NEVER : master->drain_ms;
    else if (master->resume_ms > clock_now_ms())
        own = master->resume_ms;
    else
        own = standby_next_event(&master->standbys, master->config);
    if (status < own)
        own = status;
    return own < due ? own : due;
}

/* Waits for a connection, a signal, or the end of a pause; then takes the connections. */
static void wait_and_accept(struct master *master)
{
    struct pollfd sockets[CONFIG_LISTEN_MAX + 2];
    bool accepting = may_accept(master);
    size_t count = accepting ? master->listeners.count : 0;
    struct timespec span = clock_timespec(next_event(master), clock_now_ms());

    for (size_t i = 0; i < count; i++)
        sockets[i] = (struct pollfd){.fd = master->listeners.items[i].fd, .events = POLLIN};
    sockets[count] = (struct pollfd){.fd = master->standbys.returns[0], .events = POLLIN};
    sockets[count + 1] = (struct pollfd){status_server_socket(&master->status), POLLIN, 0};
    int ready = ppoll(sockets, count + 2, &span, &master->waiting_mask);
    if (ready < 0 && errno != EINTR)
        back_off(master, "cannot wait for connections");
    take_signals(master);
    if (ready > 0 && sockets[count].revents != 0)
        standby_take_returns(&master->standbys, &master->children);
    for (size_t i = 0; ready > 0 && i < count; i++)
        if (sockets[i].revents != 0)
            accept_some(master, &master->listeners.items[i]);
    if (ready > 0 && sockets[count + 1].revents != 0)
        status_server_accept(&master->status);
}

static void serve(struct master *master)
{
    while (!is_draining(master) || master->children.count > 0) {
        wait_and_accept(master);
        children_reap(master);
        handle_signals(master);
        retry_held(master);
        config_refresh(master->config, clock_now_ms());
        if (!is_draining(master))
            standby_tend(&master->standbys, &master->children, master->config, &master->trust);
        if (clock_now_ms() < service_due(master->service))
            continue;
        const struct service_load load = load_of(master);
        service_tick(master->service, &load);
    }
}

static void announce_ready(struct master *master, void (*on_ready)(const char *))
{
    const struct service_load load = load_of(master);
    char text[ADDRESS_TEXT_BYTES];

    log_info("ready: requests go to %s", master->config->target.name);
    listener_format(&master->listeners.items[0], text);
    if (on_ready != NULL)
        on_ready(text);
    service_tell_ready(master->service, &load);
}

/* Becomes the user that the configuration names, with everything open that takes privileges. */
static int drop_privileges(const struct master *master, char fault[CONFIG_FAULT_BYTES])
{
    const char *user = master->config->user;

    if (user == NULL)
        return EX_OK;
    if (!privileges_become(user, fault)) {
        log_error("%s", fault);
        return EX_OSERR;
    }
    config_warn_of_unreadable(master->config, master->source->file);
    return EX_OK;
}

/* Opens all that is needed to serve. The exit status, as master_run has it. */
static int start(struct master *master, char fault[CONFIG_FAULT_BYTES])
{
    signals_init(master);
    trust_init();
    if (!scoreboard_init() || !standby_init(&master->standbys)) {
        snprintf(fault, CONFIG_FAULT_BYTES, "cannot share memory or sockets with children: %s",
                 strerror(errno));
        log_error("%s", fault);
        return EX_OSERR;
    }
    if (!listeners_inherit(&master->listeners, SERVICE_FIRST_FD, master->service->sockets,
                           master->service->socket_count)) {
        snprintf(fault, CONFIG_FAULT_BYTES, "out of memory");
        log_error("%s", fault);
        return EX_OSERR;
    }
    int status = use_config(master, master->config, fault);
    return status == EX_OK ? drop_privileges(master, fault) : status;
}

int master_run(const struct config_source *source, struct config *config, struct service *service,
               void (*on_ready)(const char *address))
{
    char fault[CONFIG_FAULT_BYTES];
    struct master master = {
        .source = source,
        .service = service,
        .config = config,
        .held = {.fd = -1},
        .started_ms = clock_now_ms(),
        .drain_ms = CLOCK_NEVER,
    };

    status_server_init(&master.status, source->file);
    int status = start(&master, fault);
    if (status == EX_OK) {
        announce_ready(&master, on_ready);
        serve(&master);
        log_info("stopped");
    } else {
        service_tell_failure(service, fault);
    }
    listeners_close(&master.listeners);
    status_server_end(&master.status);
    scoreboard_free();
    children_free(&master.children);
    trust_free(&master.trust);
    config_free(master.config);
    return status;
}
