/* summary: what the bridge does and has done since its start, in one line for people. Pure. */
#ifndef AUTHBRIDGE_SUMMARY_H
#define AUTHBRIDGE_SUMMARY_H

#include <stddef.h>

#include "buffer.h"
#include "scoreboard.h"

#define SUMMARY_BYTES_MAX ((size_t)512)

/* What the master knows besides the scoreboard. */
struct summary_facts {
    long long up_ms; /* since the start */
    size_t connections;
    long long connections_limit;
    unsigned long long accepted, reloads, crashes;
    size_t tokens, tokens_valid;
};

/* Appends "up 3d 4h 5m 6s, 12 of 512 connections (3 idle), 3400 accepted, 120034 requests, ...". */
void summary_add(const struct summary_facts *facts, const struct scoreboard_snapshot *snapshot,
                 struct buffer *out);

#endif
