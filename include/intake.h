/* intake: takes clients' connections and gives each to a child: a standby, or one that is forked
 * for it. It keeps the children, the limit on them, and whatever shortage there is. */
#ifndef AUTHBRIDGE_INTAKE_H
#define AUTHBRIDGE_INTAKE_H

#include <stdbool.h>

#include "children.h"
#include "config.h"
#include "handover.h"
#include "listener.h"
#include "refusal.h"
#include "standby.h"
#include "trust.h"

struct intake {
    const struct config *config; /* in force, as is trust */
    const struct trust *trust;
    struct children children;
    struct standbys standbys;
    struct accepted held; /* a connection for which no child could be made */
    struct refusals refusals;
    bool is_stopping;      /* nothing more is accepted */
    long long resume_ms;   /* nothing is accepted before: a shortage */
    long long shortage_ms; /* since when no child can be had; 0: one could */
    long long full_logged_ms, shortage_logged_ms, distrust_logged_ms, crowd_logged_ms;
    unsigned long long accepted, crashes;
};

/* Makes it ready. false with errno. */
bool intake_init(struct intake *intake);
void intake_free(struct intake *intake);

/* Puts a configuration in force for the connections that come from now on. */
void intake_use(struct intake *intake, const struct config *config, const struct trust *trust);

/* Whether connections can be taken now. */
bool intake_is_open(struct intake *intake);

/* Takes some of what waits at a listener that is ready. */
void intake_accept_some(struct intake *intake, const struct listener *listener);

/* Takes all that waits in the queues of listeners that are about to be closed, which would reset
 * it: those that do not go on under the next configuration, all but inherited ones without a next.
 */
void intake_accept_waiting(struct intake *intake, const struct listeners *listeners,
                           const struct config *next);

/* Readable when children can take another connection: they are to be taken back then, during a
 * drain too. */
int intake_socket(const struct intake *intake);
void intake_take_back(struct intake *intake);

/* A system call of the caller's failed for want of something: errno says what. Nothing is accepted
 * for a moment. */
void intake_back_off(struct intake *intake, const char *what);

/* What is due: a child for the connection that has none, standbys. When that is again, at the
 * latest: CLOCK_NEVER: when something happens. */
void intake_tend(struct intake *intake);
long long intake_next_event(const struct intake *intake);

/* A process has ended, with what waitpid(2) says of it; one that is no child of these is ignored.
 */
void intake_reap(struct intake *intake, pid_t pid, int status);

/* Clients' connections now. */
size_t intake_connections(const struct intake *intake);

/* Begins the end: standbys end at once, the others are told to finish. Or ends it by force. */
void intake_stop(struct intake *intake);
void intake_kill(struct intake *intake);

#endif
