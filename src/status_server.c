/* status_server: the status listener and its processes. */
#include "status_server.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "connection.h"
#include "log.h"
#include "process.h"
#include "status.h"

#define PAUSE_MS 100 /* after a shortage of descriptors, memory or processes */

void status_server_init(struct status_server *server, const char *file)
{
    *server = (struct status_server){
        .listener = {.fd = -1},
        .fresh = {.fd = -1},
        .facts = {.master = getpid(), .file = file, .started = (long long)time(NULL)},
    };
    server->facts.reload_fault = server->reload_fault;
}

/* ---- the listener ---- */

bool status_server_prepare(struct status_server *server, const struct config *config,
                           char error[LISTENER_ERROR_BYTES])
{
    server->fresh = (struct listener){.fd = -1, .address = config->status_listen};
    if (config->status_listen.len == 0)
        return true;
    if (server->listener.fd < 0 || !listener_is_at(&server->listener, &config->status_listen))
        return listener_open(&server->fresh, error);
    server->fresh = server->listener;
    return true;
}

void status_server_abandon(struct status_server *server)
{
    if (server->fresh.fd >= 0 && server->fresh.fd != server->listener.fd)
        listener_close(&server->fresh);
    server->fresh.fd = -1;
}

/* The addresses as text: the processes of the status page have no listeners to ask. */
static void note_listeners(struct status_facts *facts, const struct listeners *listeners)
{
    free(facts->listen);
    facts->listen = calloc(listeners->count, sizeof *facts->listen);
    facts->listen_count = facts->listen != NULL ? listeners->count : 0;
    for (size_t i = 0; i < facts->listen_count; i++)
        listener_format(&listeners->items[i], facts->listen[i]);
}

void status_server_commit(struct status_server *server, const struct config *config,
                          const struct target_states *targets, const struct listeners *listeners)
{
    char text[ADDRESS_TEXT_BYTES];
    bool is_new = server->fresh.fd != server->listener.fd;

    if (is_new && server->listener.fd >= 0)
        listener_close(&server->listener);
    server->listener = server->fresh;
    server->fresh.fd = -1;
    if (is_new && server->listener.fd >= 0) {
        listener_format(&server->listener, text);
        log_info("status page on %s", text);
    }
    server->facts.config = config;
    server->facts.targets = targets;
    server->facts.loaded = (long long)time(NULL);
    note_listeners(&server->facts, listeners);
}

/* ---- the processes ---- */

static void signal_children(const struct status_server *server, int signal_number)
{
    for (size_t i = 0; i < STATUS_CHILDREN_MAX; i++)
        if (server->children[i].pid != 0)
            kill(server->children[i].pid, signal_number);
}

void status_server_note_reload(struct status_server *server, const char *fault)
{
    snprintf(server->reload_fault, sizeof server->reload_fault, "%s", fault);
    server->facts.reloaded = (long long)time(NULL);
    signal_children(server, SIGTERM); /* what they would show is out of date */
}

static struct status_child *find_child(struct status_server *server, pid_t pid)
{
    for (size_t i = 0; i < STATUS_CHILDREN_MAX; i++)
        if (server->children[i].pid == pid)
            return &server->children[i];
    return NULL;
}

long long status_server_next_event(const struct status_server *server)
{
    bool waits = server->listener.fd >= 0 && server->resume_ms > clock_now_ms();

    return waits ? server->resume_ms : CLOCK_NEVER;
}

int status_server_socket(const struct status_server *server)
{
    bool has_room = false;

    for (size_t i = 0; i < STATUS_CHILDREN_MAX; i++)
        has_room = has_room || server->children[i].pid == 0;
    return has_room && clock_now_ms() >= server->resume_ms ? server->listener.fd : -1;
}

static void pause_for(struct status_server *server, const char *what)
{
    server->resume_ms = clock_now_ms() + PAUSE_MS;
    log_warning_limited(&server->logged_ms, "%s for the status page: %s", what, strerror(errno));
}

void status_server_accept(struct status_server *server)
{
    struct process_start start = {.name = "ab-status", .state = SCOREBOARD_STATUS, .keep_count = 1};
    struct address peer = {.len = sizeof peer.storage};
    struct status_child *child = find_child(server, 0);

    if (child == NULL)
        return;
    int fd = accept4(server->listener.fd, (struct sockaddr *)&peer.storage, &peer.len,
                     SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR)
            pause_for(server, "cannot accept a connection");
        return;
    }
    start.keep[0] = fd;
    pid_t pid = process_fork(&start, &child->slot);
    if (pid == 0)
        status_serve(fd, &peer, &server->facts);
    if (pid < 0)
        pause_for(server, "cannot start a process");
    child->pid = pid > 0 ? pid : 0;
    close(fd);
}

bool status_server_reap(struct status_server *server, pid_t pid)
{
    struct status_child *child = find_child(server, pid);

    if (child == NULL)
        return false;
    scoreboard_release(child->slot);
    *child = (struct status_child){0};
    return true;
}

void status_server_end(struct status_server *server)
{
    if (server->listener.fd >= 0)
        listener_close(&server->listener);
    server->listener.fd = -1;
    signal_children(server, SIGKILL);
    free(server->facts.listen);
    server->facts.listen = NULL;
    server->facts.listen_count = 0;
}
