/* target_state: what the children of one configuration learn of its targets. */
#include "target_state.h"

#include <stdatomic.h>
#include <sys/mman.h>

struct target_states {
    size_t count;
    atomic_size_t last_used;
    _Atomic int64_t certificates[];
};

static size_t bytes_of(size_t count)
{
    return sizeof(struct target_states) + count * sizeof(_Atomic int64_t);
}

struct target_states *target_states_new(size_t count)
{
    void *memory =
        mmap(NULL, bytes_of(count), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED)
        return NULL;
    struct target_states *states = memory;
    states->count = count;
    return states;
}

void target_states_free(struct target_states *states)
{
    if (states != NULL)
        munmap(states, bytes_of(states->count));
}

void target_states_note_certificate(struct target_states *states, size_t target, int64_t expires)
{
    if (states != NULL)
        atomic_store_explicit(&states->certificates[target], expires, memory_order_relaxed);
}

int64_t target_states_certificate(const struct target_states *states, size_t target)
{
    return states != NULL
               ? atomic_load_explicit(&states->certificates[target], memory_order_relaxed)
               : 0;
}

void target_states_note_use(struct target_states *states, size_t target)
{
    if (states != NULL)
        atomic_store_explicit(&states->last_used, target, memory_order_relaxed);
}

size_t target_states_last_used(const struct target_states *states)
{
    return states != NULL ? atomic_load_explicit(&states->last_used, memory_order_relaxed) : 0;
}
