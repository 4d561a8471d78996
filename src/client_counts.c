/* client_counts: how many connections each client has: open addressing, linear probing. */
#include "client_counts.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define CAPACITY_FIRST 64u /* a power of two, as are all that follow */

enum { NOBODY, IPV4, IPV6 };

struct client_count {
    struct client_key client;
    size_t count;
};

static uint64_t number_of(const unsigned char bytes[8])
{
    uint64_t number = 0;

    for (int i = 0; i < 8; i++)
        number = number << 8 | bytes[i];
    return number;
}

struct client_key client_key_of(const struct address *address)
{
    unsigned char bytes[16];

    if (!address_to_ipv6(address, bytes))
        return (struct client_key){0, NOBODY};
    if (address_is_ipv4(address))
        return (struct client_key){number_of(bytes + 8), IPV4};
    return (struct client_key){number_of(bytes), IPV6};
}

/* The finaliser of MurmurHash3, which spreads each bit over all. */
static size_t home_of(const struct client_counts *counts, struct client_key client)
{
    uint64_t mixed = client.bits ^ counts->seed ^ client.family;

    mixed = (mixed ^ mixed >> 33) * 0xFF51AFD7ED558CCDu;
    mixed = (mixed ^ mixed >> 33) * 0xC4CEB9FE1A85EC53u;
    return (size_t)(mixed ^ mixed >> 33) & (counts->capacity - 1);
}

static size_t next_slot(const struct client_counts *counts, size_t slot)
{
    return (slot + 1) & (counts->capacity - 1);
}

/* The client's slot, or the empty one where it would stand. */
static size_t slot_of(const struct client_counts *counts, struct client_key client)
{
    size_t slot = home_of(counts, client);

    while (counts->slots[slot].count != 0 && (counts->slots[slot].client.bits != client.bits ||
                                              counts->slots[slot].client.family != client.family))
        slot = next_slot(counts, slot);
    return slot;
}

bool client_counts_reserve(struct client_counts *counts, size_t clients)
{
    struct client_counts grown = *counts;

    if (2 * clients <= counts->capacity)
        return true;
    if (grown.capacity == 0)
        grown.capacity = CAPACITY_FIRST;
    while (grown.capacity < 2 * clients)
        grown.capacity *= 2;
    if (grown.seed == 0 && getrandom(&grown.seed, sizeof grown.seed, GRND_NONBLOCK) < 0)
        grown.seed = 1;
    grown.slots = calloc(grown.capacity, sizeof *grown.slots);
    if (grown.slots == NULL)
        return false;
    for (size_t i = 0; i < counts->capacity; i++)
        if (counts->slots[i].count > 0)
            grown.slots[slot_of(&grown, counts->slots[i].client)] = counts->slots[i];
    free(counts->slots);
    *counts = grown;
    return true;
}

void client_counts_add(struct client_counts *counts, struct client_key client)
{
    if (client.family == NOBODY)
        return;
    struct client_count *slot = &counts->slots[slot_of(counts, client)];
    slot->client = client;
    if (slot->count++ == 0)
        counts->used++;
}

/* Whether what stands in slot may move to the empty one before it: its home must not lie between
 * the two. */
static bool may_move(const struct client_counts *counts, size_t empty, size_t slot)
{
    size_t mask = counts->capacity - 1;
    size_t home = home_of(counts, counts->slots[slot].client);

    return ((slot - home) & mask) >= ((slot - empty) & mask);
}

void client_counts_remove(struct client_counts *counts, struct client_key client)
{
    if (client_counts_of(counts, client) == 0)
        return;
    size_t empty = slot_of(counts, client);
    if (--counts->slots[empty].count > 0)
        return;
    for (size_t slot = next_slot(counts, empty); counts->slots[slot].count != 0;
         slot = next_slot(counts, slot)) {
        if (may_move(counts, empty, slot)) {
            counts->slots[empty] = counts->slots[slot];
            empty = slot;
        }
    }
    counts->slots[empty] = (struct client_count){0};
    counts->used--;
}

size_t client_counts_of(const struct client_counts *counts, struct client_key client)
{
    if (client.family == NOBODY || counts->capacity == 0)
        return 0;
    return counts->slots[slot_of(counts, client)].count;
}

void client_counts_free(struct client_counts *counts)
{
    free(counts->slots);
    *counts = (struct client_counts){0};
}
