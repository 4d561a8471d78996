/* standby: children that are forked ahead of need, with the target's connection made, TLS included;
 * the master hands a client's connection to one over a Unix socket. Each serves one connection,
 * or, with recycle in [proxy], some after another. */
#ifndef AUTHBRIDGE_STANDBY_H
#define AUTHBRIDGE_STANDBY_H

#include "children.h"
#include "config.h"
#include "handover.h"
#include "trust.h"

#define STANDBY_IDLE_MAX 128u /* those that came back included */

/* The master's side. */
struct standbys {
    pid_t idle[STANDBY_IDLE_MAX]; /* the oldest first: the likeliest to be connected */
    size_t count;
    int returns[2];       /* a child writes its id into [1] when it can take another connection */
    long long pause_ms;   /* none is made before: one could not be, or ended by itself */
    long long used_ms;    /* when one was handed a client last */
    long long surplus_ms; /* when there began to be more than wanted; 0: there are not */
    long long logged_ms;
};

/* Makes it ready. false with errno. */
bool standby_init(struct standbys *standbys);
void standby_free(struct standbys *standbys);

/* When standby_tend is to be called at the latest; CLOCK_NEVER: when a child has come back. */
long long standby_next_event(const struct standbys *standbys, const struct config *config);

/* Takes back the children that have come back: to be called whenever returns[0] is readable, during
 * a drain too. What is left there would keep the master awake, and a full queue a child from
 * ending. */
void standby_take_returns(struct standbys *standbys, struct children *children);

/* Forks one standby at most, and ends those that are too many. Never waits. */
void standby_tend(struct standbys *standbys, struct children *children, const struct config *config,
                  const struct trust *trust);

/* Hands a client's connection, which stays open here, to a standby; without one, and where
 * children come back, to one that is forked for it. false when there is none. */
bool standby_hand_over(struct standbys *standbys, struct children *children,
                       const struct accepted *accepted, const struct config *config,
                       const struct trust *trust);

/* Ends all that have no connection, and lets the others not come back: a new configuration is in
 * force, or the master stops. */
void standby_retire(struct standbys *standbys, struct children *children);

/* A child has ended and is in the table no more. */
void standby_forget(struct standbys *standbys, const struct child *child, bool failed);

#endif
