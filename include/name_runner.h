/* name_runner: looks a host name up again and again, each time in a thread of its own, since the
 * resolver waits for name servers and has no other way to be called. */
#ifndef AUTHBRIDGE_NAME_RUNNER_H
#define AUTHBRIDGE_NAME_RUNNER_H

#include <curl/curl.h>
#include <stdbool.h>

#include "name.h"

struct lookup;

struct name_runner {
    struct name *name;
    CURLM *multi; /* whose wait ends when an answer has come */
    long long ttl_ms;
    long long due_ms;      /* of the next lookup (clock_now_ms) */
    struct lookup *lookup; /* under way; NULL: none */
    bool failing;          /* the last answer was none, and that was logged */
};

void name_runner_init(struct name_runner *runner, struct name *name, long long ttl_ms,
                      CURLM *multi);

/* Takes an answer, begins a lookup that is due. */
void name_runner_step(struct name_runner *runner);
long long name_runner_due(const struct name_runner *runner);

#endif
