/* children: the table of child processes: open addressing, linear probing. */
#include "children.h"

#include <signal.h>
#include <stdlib.h>

#define CAPACITY_FIRST 64u /* a power of two, as are all that follow */

static size_t home_of(const struct children *children, pid_t pid)
{
    return (size_t)pid & (children->capacity - 1);
}

static size_t next_slot(const struct children *children, size_t slot)
{
    return (slot + 1) & (children->capacity - 1);
}

/* The child's slot, or the empty one where it would stand. */
static size_t slot_of(const struct children *children, pid_t pid)
{
    size_t slot = home_of(children, pid);

    while (children->slots[slot].pid != 0 && children->slots[slot].pid != pid)
        slot = next_slot(children, slot);
    return slot;
}

static void put(struct children *children, const struct child *child)
{
    children->slots[slot_of(children, child->pid)] = *child;
}

bool children_reserve(struct children *children)
{
    if (!client_counts_reserve(&children->clients, children->count + 1))
        return false;
    if (2 * (children->count + 1) <= children->capacity)
        return true;
    struct children grown = *children;
    grown.capacity = children->capacity > 0 ? 2 * children->capacity : CAPACITY_FIRST;
    grown.slots = calloc(grown.capacity, sizeof *grown.slots);
    if (grown.slots == NULL)
        return false;
    for (size_t i = 0; i < children->capacity; i++)
        if (children->slots[i].pid != 0)
            put(&grown, &children->slots[i]);
    free(children->slots);
    *children = grown;
    return true;
}

void children_add(struct children *children, struct child child)
{
    put(children, &child);
    children->count++;
    children->counts[child.role]++;
    client_counts_add(&children->clients, child.client);
}

struct child *children_find(const struct children *children, pid_t pid)
{
    if (children->capacity == 0)
        return NULL;
    struct child *child = &children->slots[slot_of(children, pid)];
    return child->pid != 0 ? child : NULL;
}

static void set_role(struct children *children, struct child *child, enum child_role role,
                     struct client_key client)
{
    children->counts[child->role]--;
    children->counts[role]++;
    child->role = role;
    client_counts_remove(&children->clients, child->client);
    client_counts_add(&children->clients, client);
    child->client = client;
}

void children_give(struct children *children, struct child *child, struct client_key client)
{
    set_role(children, child, CHILD_SERVING, client);
}

void children_rest(struct children *children, struct child *child)
{
    set_role(children, child, CHILD_STANDBY, (struct client_key){0});
}

/* Whether a child that stands in slot may move to the empty one before it: its home must not lie
 * between the two. */
static bool may_move(const struct children *children, size_t empty, size_t slot)
{
    size_t mask = children->capacity - 1;
    size_t home = home_of(children, children->slots[slot].pid);

    return ((slot - home) & mask) >= ((slot - empty) & mask);
}

bool children_remove(struct children *children, pid_t pid, struct child *removed)
{
    const struct child *child = children_find(children, pid);

    if (child == NULL)
        return false;
    *removed = *child;
    size_t empty = (size_t)(child - children->slots);
    for (size_t slot = next_slot(children, empty); children->slots[slot].pid != 0;
         slot = next_slot(children, slot)) {
        if (may_move(children, empty, slot)) {
            children->slots[empty] = children->slots[slot];
            empty = slot;
        }
    }
    children->slots[empty] = (struct child){0};
    children->count--;
    children->counts[removed->role]--;
    client_counts_remove(&children->clients, removed->client);
    return true;
}

void children_signal(const struct children *children, int signal_number)
{
    for (size_t i = 0; i < children->capacity; i++)
        if (children->slots[i].pid != 0)
            kill(children->slots[i].pid, signal_number);
}

void children_free(struct children *children)
{
    free(children->slots);
    client_counts_free(&children->clients);
    *children = (struct children){0};
}
