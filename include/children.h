/* children: the table of child processes, by process id. */
#ifndef AUTHBRIDGE_CHILDREN_H
#define AUTHBRIDGE_CHILDREN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "client_counts.h"

enum child_role {
    CHILD_SERVING, /* has a client's connection, or is about to end after one */
    CHILD_STANDBY, /* was made ahead and has had no connection, or waits for another one */
    CHILD_ROLES
};

struct child {
    pid_t pid;
    enum child_role role;
    int channel;              /* through which it gets connections; -1: it gets no more */
    int slot;                 /* on the scoreboard; -1: none */
    struct client_key client; /* whose connection it has */
};

struct children {
    struct child *slots; /* a hash table; pid 0 is an empty slot */
    size_t capacity;
    size_t count;
    size_t counts[CHILD_ROLES];   /* of each role */
    struct client_counts clients; /* connections of each, as their children have them */
};

/* Makes sure that one more fits. false when memory is short: the table is as it was. */
bool children_reserve(struct children *children);

/* Adds a child after children_reserve. */
void children_add(struct children *children, struct child child);

/* The child with that id, NULL when there is none; valid until the table changes. */
struct child *children_find(const struct children *children, pid_t pid);

/* The child has been given a client's connection; or waits for one. */
void children_give(struct children *children, struct child *child, struct client_key client);
void children_rest(struct children *children, struct child *child);

/* Removes a child and says what it was; false when it was not in the table. */
bool children_remove(struct children *children, pid_t pid, struct child *removed);

/* Sends a signal to each. */
void children_signal(const struct children *children, int signal_number);

void children_free(struct children *children);

#endif
