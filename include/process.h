/* process: how a child of the master begins. */
#ifndef AUTHBRIDGE_PROCESS_H
#define AUTHBRIDGE_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "scoreboard.h"

#define PROCESS_KEEP_MAX   4u
#define PROCESS_SHARED_MAX 2u
#define PROCESS_NAME       "ab-client" /* of a child that serves a client, as ps(1) shows it */

struct process_start {
    const char *name; /* as ps(1) shows it, 15 characters at most */
    enum scoreboard_state state;
    int keep[PROCESS_KEEP_MAX]; /* the descriptors behind standard error that it has */
    size_t keep_count;
};

/* A descriptor that every child has from now on. false when there are too many. */
bool process_share(int fd);

/* Lets the caller, who forks for whoever comes, go before its children, by a nice value of -10:
 * where many of them are busy, a client that is yet to be accepted would wait long. Nothing changes
 * where that is not permitted, nor where we were started with another nice value than 0. */
void process_lead(void);

/* Forks (fork(2)). The child dies with its parent. Its nice value is not negative, and it has of
 * all descriptors behind standard error only those in start and those that are shared: neither a
 * listener nor what leads to another child. *slot is its place on the scoreboard, which the parent
 * releases when it has ended. */
pid_t process_fork(const struct process_start *start, int *slot);

#endif
