/* target_state: what the children of one configuration learn of its targets, in memory that they
 * share: when each one's certificate expires, and which of them was used last. Targets go by their
 * target_index. A few nanoseconds each, no system call. */
#ifndef AUTHBRIDGE_TARGET_STATE_H
#define AUTHBRIDGE_TARGET_STATE_H

#include <stddef.h>
#include <stdint.h>

struct target_states;

/* For that many targets, before any fork. NULL without memory: nothing is noted then. */
struct target_states *target_states_new(size_t count);
void target_states_free(struct target_states *states);

/* In seconds since 1970; 0: none was seen. */
void target_states_note_certificate(struct target_states *states, size_t target, int64_t expires);
int64_t target_states_certificate(const struct target_states *states, size_t target);

/* 0 before any was used. */
void target_states_note_use(struct target_states *states, size_t target);
size_t target_states_last_used(const struct target_states *states);

#endif
