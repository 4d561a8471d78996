/* refusal: answers of the master's to clients that get no child. It neither reads their requests
 * nor waits for them. */
#ifndef AUTHBRIDGE_REFUSAL_H
#define AUTHBRIDGE_REFUSAL_H

#include <stddef.h>

#include "fault.h"
#include "handover.h"

#define REFUSALS_MAX 64u

/* Connections that were answered, and are kept until what the client sends has come, for a reset
 * could erase the answer; those that came first end first. */
struct refusals {
    int fds[REFUSALS_MAX];
    long long due_ms[REFUSALS_MAX];
    size_t first, count;
};

/* Answers with that fault, and closes the connection: at once, for its request has come long ago;
 * or after a moment. */
void refusal_answer(const struct accepted *accepted, const struct fault *fault);
void refusal_answer_early(struct refusals *refusals, const struct accepted *accepted,
                          const struct fault *fault);

/* Closes those whose moment has passed. When that is again; CLOCK_NEVER: never. */
void refusal_tend(struct refusals *refusals);
long long refusal_next_event(const struct refusals *refusals);

/* Closes all. */
void refusal_end(struct refusals *refusals);

#endif
