/* children: the table of child processes, by process id. */
#ifndef AUTHBRIDGE_CHILDREN_H
#define AUTHBRIDGE_CHILDREN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct child {
    pid_t pid;
    int slot; /* on the scoreboard */
};

struct children {
    struct child *slots; /* a hash table; pid 0 is an empty slot */
    size_t capacity;
    size_t count;
};

/* Makes sure that one more fits. false when memory is short: the table is as it was. */
bool children_reserve(struct children *children);

/* Adds a child after children_reserve. */
void children_add(struct children *children, struct child child);

/* Removes a child and says what it was; false when it was not in the table. */
bool children_remove(struct children *children, pid_t pid, struct child *removed);

/* Sends a signal to each. */
void children_signal(const struct children *children, int signal_number);

void children_free(struct children *children);

#endif
