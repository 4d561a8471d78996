/* status_server: the master's side of the status page: its listener, and a process for each of the
 * few connections that are served at once. They are no clients' connections: they do not count
 * towards the limit, and go on while the bridge drains. */
#ifndef AUTHBRIDGE_STATUS_SERVER_H
#define AUTHBRIDGE_STATUS_SERVER_H

#include "listener.h"
#include "status_report.h"

#define STATUS_CHILDREN_MAX 8u

struct status_child {
    pid_t pid; /* 0: none */
    int slot;  /* on the scoreboard */
};

struct status_server {
    struct listener listener; /* fd -1: there is none */
    struct listener fresh;    /* of a configuration that is not in force yet */
    struct status_child children[STATUS_CHILDREN_MAX];
    long long resume_ms; /* nothing is accepted before: a shortage */
    long long logged_ms;
    struct status_facts facts;
    char reload_fault[CONFIG_FAULT_BYTES];
};

/* Begins with nothing listened on. file is where the configuration comes from, or NULL. */
void status_server_init(struct status_server *server, const char *file);

/* Opens what a configuration wants, next to what there is. false when that fails: error says why.
 */
bool status_server_prepare(struct status_server *server, const struct config *config,
                           char error[LISTENER_ERROR_BYTES]);

/* Puts in force what was prepared: that configuration, what is learned of its targets, and these
 * listeners are shown from now on. Or drops it. */
void status_server_commit(struct status_server *server, const struct config *config,
                          const struct target_states *targets, const struct listeners *listeners);
void status_server_abandon(struct status_server *server);

/* The configuration was read again: shows when, and why it is not used (empty: it is). */
void status_server_note_reload(struct status_server *server, const char *fault);

/* The socket to wait on, -1 when no connection can be taken now, and when that ends by itself
 * (CLOCK_NEVER: it does not). */
int status_server_socket(const struct status_server *server);
long long status_server_next_event(const struct status_server *server);

/* Takes one connection. */
void status_server_accept(struct status_server *server);

/* Whether the process that has ended was one of these. */
bool status_server_reap(struct status_server *server, pid_t pid);

/* Closes the listener and ends the processes. */
void status_server_end(struct status_server *server);

#endif
