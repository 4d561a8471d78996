/* status_report: what the bridge is and does, as JSON for the status page. Pure: writes into a
 * buffer. Neither secrets nor header values are in it. */
#ifndef AUTHBRIDGE_STATUS_REPORT_H
#define AUTHBRIDGE_STATUS_REPORT_H

#include "address.h"
#include "buffer.h"
#include "config.h"
#include "scoreboard.h"
#include "target_state.h"

/* What the scoreboard does not know. Times are in seconds since 1970. */
struct status_facts {
    pid_t master;
    const char *file; /* of the configuration; NULL: none */
    const struct config *config;
    const struct target_states *targets;
    char (*listen)[ADDRESS_TEXT_BYTES];
    size_t listen_count;
    long long started;
    long long loaded;         /* when the configuration in force was read */
    long long reloaded;       /* when it was last tried to read it again; 0: never */
    const char *reload_fault; /* why that failed; empty: it did not */
};

/* Processes that the report tells one by one. */
#define STATUS_PROCESSES_MAX 256u

/* Appends one JSON object and a newline. */
void status_report_add(const struct status_facts *facts, const struct scoreboard_snapshot *snapshot,
                       long long now, struct buffer *out);

#endif
