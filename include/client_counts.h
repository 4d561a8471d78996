/* client_counts: how many connections each client has: an IPv4 address, or an IPv6 network of 64
 * bits, of which a client can use any address. */
#ifndef AUTHBRIDGE_CLIENT_COUNTS_H
#define AUTHBRIDGE_CLIENT_COUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "address.h"

struct client_key {
    uint64_t bits;
    unsigned family; /* 0: a client that is not counted */
};

struct client_counts {
    struct client_count *slots; /* a hash table; count 0 is an empty slot */
    size_t capacity;
    size_t used;
    uint64_t seed; /* so that nobody can choose addresses that meet in one slot */
};

/* Who it is; nobody for a Unix socket. */
struct client_key client_key_of(const struct address *address);

/* Makes sure that so many clients fit. false when memory is short: the table is as it was. */
bool client_counts_reserve(struct client_counts *counts, size_t clients);

/* One connection more, of a client for which there is room, or less. A key that is nobody's changes
 * nothing. */
void client_counts_add(struct client_counts *counts, struct client_key client);
void client_counts_remove(struct client_counts *counts, struct client_key client);

size_t client_counts_of(const struct client_counts *counts, struct client_key client);

void client_counts_free(struct client_counts *counts);

#endif
