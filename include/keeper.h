/* keeper: the master's side of the keeper, the one process that works for all children: it is
 * started when a configuration has work for it, made anew at a reload, and replaced when it dies.
 */
#ifndef AUTHBRIDGE_KEEPER_H
#define AUTHBRIDGE_KEEPER_H

#include <stdbool.h>
#include <sys/types.h>

#include "config.h"

struct keeper {
    const struct config *config; /* in force; NULL: none yet */
    pid_t pid;                   /* 0: there is none */
    int slot;                    /* on the scoreboard */
    int channel;                 /* its end ends the keeper; -1: it has been told so */
    long long started_ms;
    long long due_ms;   /* when one may be started, or the one that is to end is killed */
    long long delay_ms; /* before the next one, if this one dies soon */
    long long logged_ms;
};

void keeper_init(struct keeper *keeper);

/* Puts a configuration in force: a keeper of the one before is ended. One that is needed is started
 * by keeper_tend, after children that are forked now can tell it what they want. */
void keeper_use(struct keeper *keeper, const struct config *config);

/* Does what is due, without waiting; and when that is again (CLOCK_NEVER: when something happens).
 */
void keeper_tend(struct keeper *keeper);
long long keeper_next_event(const struct keeper *keeper);

/* Whether the process that has ended, with what waitpid(2) says of it, was the keeper. */
bool keeper_reap(struct keeper *keeper, pid_t pid, int status);

/* Ends it for good. */
void keeper_end(struct keeper *keeper);

#endif
