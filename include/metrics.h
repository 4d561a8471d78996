/* metrics: the scoreboard's figures in the text format of Prometheus. Pure: writes into a buffer.
 */
#ifndef AUTHBRIDGE_METRICS_H
#define AUTHBRIDGE_METRICS_H

#include "buffer.h"
#include "config.h"
#include "scoreboard.h"
#include "target_state.h"

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* What the scoreboard does not know. */
struct metrics_facts {
    const struct config *config;
    const struct target_states *targets;
    long long started;       /* in seconds since 1970, as all these times */
    long long reloaded;      /* when the configuration in force was read */
    bool last_reload_failed; /* it was kept then */
};

/* Appends every metric. Their names begin with authbridge_; authbridge(8) lists them. */
void metrics_add(const struct scoreboard_snapshot *snapshot, const struct metrics_facts *facts,
                 struct buffer *out);

#endif
