/* children: the table of child processes, by process id. */
#ifndef AUTHBRIDGE_CHILDREN_H
#define AUTHBRIDGE_CHILDREN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct children {
    pid_t *slots; /* a hash table; 0 is an empty slot */
    size_t capacity;
    size_t count;
};

/* Makes sure that one more fits. false when memory is short: the table is as it was. */
bool children_reserve(struct children *children);

/* Adds a child after children_reserve. */
void children_add(struct children *children, pid_t pid);

/* Removes a child; false when it was not in the table. */
bool children_remove(struct children *children, pid_t pid);

/* Sends a signal to each. */
void children_signal(const struct children *children, int signal_number);

void children_free(struct children *children);

#endif
