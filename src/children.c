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

bool children_reserve(struct children *children)
{
    if (2 * (children->count + 1) <= children->capacity)
        return true;
    struct children grown = {.capacity =
                                 children->capacity > 0 ? 2 * children->capacity : CAPACITY_FIRST};
    grown.slots = calloc(grown.capacity, sizeof *grown.slots);
    if (grown.slots == NULL)
        return false;
    for (size_t i = 0; i < children->capacity; i++)
        if (children->slots[i].pid != 0)
            children_add(&grown, children->slots[i]);
    free(children->slots);
    *children = grown;
    return true;
}

void children_add(struct children *children, struct child child)
{
    size_t slot = home_of(children, child.pid);

    while (children->slots[slot].pid != 0)
        slot = next_slot(children, slot);
    children->slots[slot] = child;
    children->count++;
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
    if (children->capacity == 0)
        return false;
    size_t slot = home_of(children, pid);
    while (children->slots[slot].pid != 0 && children->slots[slot].pid != pid)
        slot = next_slot(children, slot);
    if (children->slots[slot].pid == 0)
        return false;

    *removed = children->slots[slot];
    size_t empty = slot;
    for (slot = next_slot(children, slot); children->slots[slot].pid != 0;
         slot = next_slot(children, slot)) {
        if (may_move(children, empty, slot)) {
            children->slots[empty] = children->slots[slot];
            empty = slot;
        }
    }
    children->slots[empty] = (struct child){0};
    children->count--;
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
    *children = (struct children){0};
}
