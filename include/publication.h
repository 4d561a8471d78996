/* publication: a text in memory that processes share: one of them writes it, all others read it. A
 * reader takes no lock, never waits, and never sees half a text, also when the writer dies in the
 * middle of writing. */
#ifndef AUTHBRIDGE_PUBLICATION_H
#define AUTHBRIDGE_PUBLICATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "slice.h"

struct publication;

/* Makes an empty one for texts of at most cap octets, before the forks of those that use it. NULL
 * without memory. Pages are used as texts fill them; none gets into a core file. */
struct publication *publication_new(size_t cap);

/* Unmaps it from this process. */
void publication_free(struct publication *publication);

/* The one writer's: replaces the text, of which nothing is left. until is handed on with it. What
 * is longer than cap is not written, and false. */
bool publication_put(struct publication *publication, struct slice text, long long until);

/* Which text it is: 0 before the first one, then another number for each. */
uint32_t publication_version(const struct publication *publication);

/* A copy of a text, in memory of the process's own. */
struct publication_copy {
    char *text; /* NULL when it is empty */
    size_t len;
    long long until;
    uint32_t version;
};

/* Brings a copy up to date; one that is all zero is empty. false when memory is short: it is empty
 * then, and the next call tries again. */
bool publication_get(const struct publication *publication, struct publication_copy *copy);

/* Wipes the copy and frees it. */
void publication_forget(struct publication_copy *copy);

#endif
