/* master: the loop: connections, signals, reload, drain. */
#include "master.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "followed_file.h"
#include "intake.h"
#include "keeper.h"
#include "listener.h"
#include "log.h"
#include "privileges.h"
#include "process.h"
#include "rehearsal.h"
#include "scoreboard.h"
#include "signals.h"
#include "status_server.h"
#include "summary.h"
#include "trust.h"
#include "unit.h"
#include "upstream.h"

#define STOP_SPARE_MS 5000 /* beyond drain, for the processes to end */

struct master {
    const struct config_source *source;
    struct service *service;
    struct config *config;
    struct trust trust;
    struct listeners listeners;
    struct intake intake;
    struct status_server status;
    struct keeper keeper;
    sigset_t waiting_mask; /* while it waits, all signals get through */
    long long started_ms;
    long long drain_ms; /* when a drain ends by force; CLOCK_NEVER while serving */
    bool forced;        /* it has: the children that were left have been killed */
    unsigned long long reloads;
};

static bool is_draining(const struct master *master)
{
    return master->drain_ms != CLOCK_NEVER;
}

/* ---- reload, drain, status ---- */

static void note_certificate(const struct master *master)
{
    scoreboard_note_listener_certificate(listen_tls_expires(master->trust.listen));
}

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
    intake_accept_waiting(&master->intake, &master->listeners,
                          config); /* as they came: by the old */
    if (!status_server_prepare(&master->status, config, fault) ||
        !listeners_update(&master->listeners, config, fault)) {
        log_error("%s", fault);
        status_server_abandon(&master->status);
        trust_free(&trust);
        return EX_OSERR;
    }
    if ((config_has_tls(config) || trust.listen != NULL) && !rehearsal_run())
        log_debug("the rehearsal of a TLS handshake failed: new connections will take longer");
    status_server_commit(&master->status, config, trust.targets, &master->listeners);
    trust_free(&master->trust);
    keeper_use(&master->keeper, config);
    if (config != master->config) {
        config_adopt_tokens(config, master->config);
        config_adopt_names(config, master->config);
        config_free(master->config);
    }
    master->trust = trust;
    master->config = config;
    intake_use(&master->intake, config, &master->trust);
    note_certificate(master);
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

static size_t count_valid(const struct config_tokens *tokens)
{
    struct token_state state;
    size_t count = 0;

    for (size_t i = 0; i < tokens->count; i++) {
        token_read_state(tokens->items[i].token, &state);
        count += state.valid ? 1 : 0;
    }
    return count;
}

static void report_status(struct master *master)
{
    char space[SUMMARY_BYTES_MAX];
    struct buffer line = {.at = space, .cap = sizeof space};
    struct scoreboard_snapshot snapshot;
    const struct summary_facts facts = {
        .up_ms = clock_now_ms() - master->started_ms,
        .connections = intake_connections(&master->intake),
        .connections_limit = master->config->limits.connections,
        .accepted = master->intake.accepted,
        .reloads = master->reloads,
        .crashes = master->intake.crashes,
        .tokens = master->config->tokens.count,
        .tokens_valid = count_valid(&master->config->tokens),
    };

    signals_noted.status = 0;
    scoreboard_read(&snapshot);
    summary_add(&facts, &snapshot, &line);
    log_info("status: %.*s", (int)line.end, line.at);
}

static void begin_drain(struct master *master)
{
    char drain[UNIT_TEXT_BYTES];

    intake_accept_waiting(&master->intake, &master->listeners, NULL);
    master->drain_ms = clock_now_ms() + master->config->timeouts.drain;
    unit_format_duration(master->config->timeouts.drain, drain);
    scoreboard_set_draining();
    intake_stop(&master->intake);
    log_info("stopping: %zu connections, given %s to finish", intake_connections(&master->intake),
             drain);
    listeners_close(&master->listeners);
    const struct service_load load = load_of(master);
    service_tell_stopping(master->service, &load, master->config->timeouts.drain + STOP_SPARE_MS);
}

static void end_drain(struct master *master)
{
    if (intake_connections(&master->intake) > 0)
        log_warning("ending %zu connections that have not finished",
                    intake_connections(&master->intake));
    intake_kill(&master->intake);
    master->forced = true;
}

static void handle_signals(struct master *master)
{
    if (signals_noted.status)
        report_status(master);
    if (signals_noted.reload && master->source->file == NULL)
        signals_noted.stops = signals_noted.stops + 1; /* nothing to read again: no terminal */
    else if (signals_noted.reload)
        reload(master);
    signals_noted.reload = 0;
    if (signals_noted.stops > 0 && !is_draining(master))
        begin_drain(master);
    bool due = signals_noted.stops > 1 || clock_now_ms() >= master->drain_ms;
    if (is_draining(master) && due && !master->forced)
        end_drain(master);
}

/* A certificate that was renewed is shown from the next connection on: children that were made
 * ahead have the one before. */
static void refresh_certificate(struct master *master)
{
    if (!listen_tls_refresh(master->trust.listen, master->config, clock_now_ms()))
        return;
    intake_use(&master->intake, master->config, &master->trust);
    note_certificate(master);
}

/* ---- the loop ---- */

static long long next_event(const struct master *master)
{
    const long long events[] = {
        service_due(master->service),       status_server_next_event(&master->status),
        intake_next_event(&master->intake), listen_tls_due(master->trust.listen),
        keeper_next_event(&master->keeper), master->forced ? CLOCK_NEVER : master->drain_ms,
    };
    long long first = CLOCK_NEVER;

    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++)
        if (events[i] < first)
            first = events[i];
    return first;
}

/* Waits for a connection, a signal, or the end of a pause; then takes the connections. */
static void wait_and_accept(struct master *master)
{
    struct pollfd sockets[CONFIG_LISTEN_MAX + 2];
    size_t count = intake_is_open(&master->intake) ? master->listeners.count : 0;
    struct timespec span = clock_timespec(next_event(master), clock_now_ms());

    for (size_t i = 0; i < count; i++)
        sockets[i] = (struct pollfd){.fd = master->listeners.items[i].fd, .events = POLLIN};
    sockets[count] = (struct pollfd){intake_socket(&master->intake), POLLIN, 0};
    sockets[count + 1] = (struct pollfd){status_server_socket(&master->status), POLLIN, 0};
    int ready = ppoll(sockets, count + 2, &span, &master->waiting_mask);
    if (ready < 0 && errno != EINTR)
        intake_back_off(&master->intake, "cannot wait for connections");
    signals_take(&master->waiting_mask);
    refresh_certificate(master);
    if (ready > 0 && sockets[count].revents != 0)
        intake_take_back(&master->intake);
    for (size_t i = 0; ready > 0 && i < count; i++)
        if (sockets[i].revents != 0)
            intake_accept_some(&master->intake, &master->listeners.items[i]);
    if (ready > 0 && sockets[count + 1].revents != 0)
        status_server_accept(&master->status);
}

static void reap(struct master *master)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        if (!status_server_reap(&master->status, pid) && !keeper_reap(&master->keeper, pid, status))
            intake_reap(&master->intake, pid, status);
}

static void serve(struct master *master)
{
    while (!is_draining(master) || master->intake.children.count > 0) {
        wait_and_accept(master);
        reap(master);
        handle_signals(master);
        config_refresh(master->config, clock_now_ms());
        keeper_tend(&master->keeper);
        intake_tend(&master->intake);
        if (clock_now_ms() < service_due(master->service))
            continue;
        const struct service_load load = load_of(master);
        service_tick(master->service, &load);
    }
}

static void announce_ready(struct master *master, void (*on_ready)(const char *))
{
    const struct service_load load = load_of(master);
    char targets[CONFIG_TARGETS_BYTES];
    char text[ADDRESS_TEXT_BYTES];

    config_format_targets(master->config, targets);
    log_info("ready: requests go to %s", targets);
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
    if (!listen_tls_keep_if_unreadable(master->trust.listen, master->config))
        log_warning(
            "user %s cannot read what [listen-tls] names: it is used as it was read at the "
            "start, a renewed certificate is not seen, and a reload fails; make it readable "
            "for that user",
            user);
    return EX_OK;
}

/* Opens all that is needed to serve. The exit status, as master_run has it. */
static int start(struct master *master, char fault[CONFIG_FAULT_BYTES])
{
    signals_init(&master->waiting_mask, master->source->file == NULL);
    process_lead();
    tzset(); /* here, not in each child */
    trust_init();
    (void)upstream_has_openssl();
    if (!intake_init(&master->intake) || !scoreboard_init()) {
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
    followed_file_never_wait();
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
        .started_ms = clock_now_ms(),
        .drain_ms = CLOCK_NEVER,
    };

    status_server_init(&master.status, source->file);
    keeper_init(&master.keeper);
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
    keeper_end(&master.keeper);
    scoreboard_free();
    intake_free(&master.intake);
    trust_free(&master.trust);
    config_free(master.config);
    return status;
}
