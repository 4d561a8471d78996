/* scoreboard: counters in shared memory. */
#include "scoreboard.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* No two children write to the same cache line, nor to two that are fetched as a pair. */
#define LINE_BYTES 128

#define COUNTERS      (sizeof(struct scoreboard_counts) / sizeof(uint64_t))
#define INDEX(member) (offsetof(struct scoreboard_counts, member) / sizeof(uint64_t))

struct slot {
    _Alignas(LINE_BYTES) _Atomic pid_t pid; /* 0: no child has it */
    _Atomic unsigned state;
    _Atomic int64_t since_ms;
    _Atomic uint64_t counters[COUNTERS]; /* laid out as struct scoreboard_counts */
};

struct board {
    _Atomic uint64_t events[SCOREBOARD_EVENTS];
    _Atomic int64_t listener_certificate;
    _Atomic bool draining;
    _Atomic unsigned slots_used; /* as many from the first one on have ever been reserved */
    struct slot slots[SCOREBOARD_SLOTS_MAX];
};

static struct board *board;

/* Where this process counts; without a slot, where nobody looks. */
static struct slot nowhere;
static struct slot *own = &nowhere;

/* The master's: slots that were given back, the last one first. */
static struct {
    unsigned *items;
    unsigned count;
} spare;

const char *const scoreboard_state_names[SCOREBOARD_STATES] = {
    [SCOREBOARD_STANDBY] = "standby",   [SCOREBOARD_IDLE] = "idle",
    [SCOREBOARD_READING] = "reading",   [SCOREBOARD_WAITING] = "waiting",
    [SCOREBOARD_RELAYING] = "relaying", [SCOREBOARD_TUNNEL] = "tunnel",
    [SCOREBOARD_CLOSING] = "closing",   [SCOREBOARD_STATUS] = "status",
    [SCOREBOARD_KEEPER] = "keeper",
};

const char *const scoreboard_handshake_names[SCOREBOARD_HANDSHAKES] = {
    "full",
    "resumed",
    "failed",
};

const char *const scoreboard_method_names[SCOREBOARD_METHODS] = {
    "GET", "POST", "PUT", "HEAD", "DELETE", "PATCH", "OPTIONS", "other",
};

const char *const scoreboard_class_names[SCOREBOARD_CLASSES] = {
    "none", "1xx", "2xx", "3xx", "4xx", "5xx",
};

const char *const scoreboard_cause_names[SCOREBOARD_CAUSES] = {
    "client_gone",
    "connection_refused",
    "connection_terminated",
    "connection_timeout",
    "connection_write_timeout",
    "destination_ip_prohibited",
    "destination_ip_unroutable",
    "destination_not_found",
    "destination_unavailable",
    "dns_error",
    "dns_timeout",
    "http_protocol_error",
    "http_request_denied",
    "http_request_error",
    "http_response_content_coding",
    "http_response_header_section_size",
    "http_response_incomplete",
    "http_response_timeout",
    "http_response_transfer_coding",
    "http_upgrade_failed",
    "proxy_configuration_error",
    "proxy_internal_error",
    "proxy_internal_response",
    "tls_alert_received",
    "tls_certificate_error",
    "tls_protocol_error",
    "other",
};

const uint32_t scoreboard_bounds_us[SCOREBOARD_BOUNDS] = {
    500,    1000,   2500,    5000,    10000,   25000,    50000,    100000,
    250000, 500000, 1000000, 2500000, 5000000, 10000000, 30000000, 60000000,
};

/* ---- the master's part ---- */

bool scoreboard_init(void)
{
    void *memory = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    void *items = mmap(NULL, SCOREBOARD_SLOTS_MAX * sizeof *spare.items, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (memory != MAP_FAILED && items != MAP_FAILED) {
        board = memory;
        spare.items = items;
        spare.count = 0;
        return true;
    }
    if (memory != MAP_FAILED)
        munmap(memory, sizeof *board);
    if (items != MAP_FAILED)
        munmap(items, SCOREBOARD_SLOTS_MAX * sizeof *spare.items);
    return false;
}

void scoreboard_free(void)
{
    if (board == NULL)
        return;
    munmap(board, sizeof *board);
    munmap(spare.items, SCOREBOARD_SLOTS_MAX * sizeof *spare.items);
    board = NULL;
    own = &nowhere;
}

int scoreboard_reserve(void)
{
    if (board == NULL)
        return -1;
    unsigned fresh = atomic_load_explicit(&board->slots_used, memory_order_relaxed);
    unsigned slot = fresh;
    if (spare.count > 0)
        slot = spare.items[--spare.count];
    else if (fresh == SCOREBOARD_SLOTS_MAX)
        return -1;
    else
        atomic_store_explicit(&board->slots_used, fresh + 1, memory_order_release);
    return (int)slot;
}

void scoreboard_release(int slot)
{
    if (board == NULL || slot < 0)
        return;
    atomic_store_explicit(&board->slots[slot].pid, 0, memory_order_relaxed);
    spare.items[spare.count++] = (unsigned)slot;
}

static void add(_Atomic uint64_t *counter, uint64_t number)
{
    uint64_t before = atomic_load_explicit(counter, memory_order_relaxed);

    atomic_store_explicit(counter, before + number, memory_order_relaxed);
}

void scoreboard_note_event(enum scoreboard_event event)
{
    if (board != NULL)
        add(&board->events[event], 1);
}

void scoreboard_note_listener_certificate(int64_t expires)
{
    if (board != NULL)
        atomic_store_explicit(&board->listener_certificate, expires, memory_order_relaxed);
}

void scoreboard_set_draining(void)
{
    if (board != NULL)
        atomic_store_explicit(&board->draining, true, memory_order_relaxed);
}

/* ---- a child's part ---- */

void scoreboard_take(int slot, enum scoreboard_state state)
{
    own = board != NULL && slot >= 0 ? &board->slots[slot] : &nowhere;
    scoreboard_set_state(state);
    atomic_store_explicit(&own->pid, getpid(), memory_order_release);
}

/* Precise to some milliseconds, and cheap for that. */
static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void scoreboard_set_state(enum scoreboard_state state)
{
    atomic_store_explicit(&own->state, (unsigned)state, memory_order_relaxed);
    atomic_store_explicit(&own->since_ms, now_ms(), memory_order_relaxed);
}

static size_t method_index(struct slice method)
{
    size_t i = 0;

    while (i < SCOREBOARD_METHODS - 1 &&
           !slice_equals(method, slice_of(scoreboard_method_names[i])))
        i++;
    return i;
}

static size_t cause_index(const char *cause)
{
    size_t i = 0;

    while (i < SCOREBOARD_CAUSES - 1 && strcmp(cause, scoreboard_cause_names[i]) != 0)
        i++;
    return i;
}

void scoreboard_note_exchange(struct slice method, unsigned status, const char *cause,
                              long long total_us)
{
    unsigned class = status / 100 < SCOREBOARD_CLASSES ? status / 100 : 0;

    scoreboard_note_time(SCOREBOARD_TOTAL, total_us);
    if (cause != NULL)
        add(&own->counters[INDEX(causes) + cause_index(cause)], 1);
    /* Last, so that a request that is counted has all its figures. */
    add(&own->counters[INDEX(requests) + method_index(method) * SCOREBOARD_CLASSES + class], 1);
}

void scoreboard_note_time(enum scoreboard_time time, long long us)
{
    size_t times = sizeof(struct scoreboard_histogram) / sizeof(uint64_t);
    _Atomic uint64_t *histogram = &own->counters[INDEX(times) + (size_t)time * times];
    size_t bucket = 0;

    while (bucket < SCOREBOARD_BOUNDS && us > (long long)scoreboard_bounds_us[bucket])
        bucket++;
    add(&histogram[bucket], 1);
    add(&histogram[offsetof(struct scoreboard_histogram, sum_us) / sizeof(uint64_t)],
        us > 0 ? (uint64_t)us : 0);
}

void scoreboard_note_failed_sign_in(void)
{
    add(&own->counters[INDEX(sign_ins_failed)], 1);
}

void scoreboard_note_handshake(enum scoreboard_handshake end)
{
    add(&own->counters[INDEX(handshakes) + end], 1);
}

void scoreboard_note_bytes(uint64_t in, uint64_t out)
{
    add(&own->counters[INDEX(bytes_in)], in);
    add(&own->counters[INDEX(bytes_out)], out);
}

void scoreboard_note_secret(bool blocked)
{
    add(&own->counters[INDEX(secrets) + (blocked ? 1 : 0)], 1);
}

/* ---- reading ---- */

unsigned scoreboard_slots(void)
{
    return board != NULL ? atomic_load_explicit(&board->slots_used, memory_order_acquire) : 0;
}

bool scoreboard_read_child(unsigned slot, struct scoreboard_child *child)
{
    const struct slot *from = &board->slots[slot];
    unsigned state = atomic_load_explicit(&from->state, memory_order_relaxed);
    int64_t since = atomic_load_explicit(&from->since_ms, memory_order_relaxed);
    int64_t now = now_ms();

    child->pid = atomic_load_explicit(&from->pid, memory_order_acquire);
    child->state = (enum scoreboard_state)state;
    child->for_ms = now > since ? now - since : 0;
    return child->pid != 0 && state < SCOREBOARD_STATES;
}

static void read_slot(unsigned slot, struct scoreboard_snapshot *snapshot, uint64_t sums[COUNTERS])
{
    const _Atomic uint64_t *counters = board->slots[slot].counters;
    struct scoreboard_child child;

    if (scoreboard_read_child(slot, &child))
        snapshot->children[child.state]++;
    for (size_t i = 0; i < COUNTERS; i++)
        sums[i] += atomic_load_explicit(&counters[i], memory_order_relaxed);
}

void scoreboard_read(struct scoreboard_snapshot *snapshot)
{
    uint64_t sums[COUNTERS] = {0};

    *snapshot = (struct scoreboard_snapshot){0};
    if (board == NULL)
        return;
    unsigned slots = scoreboard_slots();
    for (unsigned i = 0; i < slots; i++)
        read_slot(i, snapshot, sums);
    memcpy(&snapshot->counts, sums, sizeof sums);
    for (size_t i = 0; i < SCOREBOARD_EVENTS; i++)
        snapshot->events[i] = atomic_load_explicit(&board->events[i], memory_order_relaxed);
    snapshot->listener_certificate =
        atomic_load_explicit(&board->listener_certificate, memory_order_relaxed);
    snapshot->draining = atomic_load_explicit(&board->draining, memory_order_relaxed);
}

uint64_t scoreboard_connections(const struct scoreboard_snapshot *snapshot)
{
    uint64_t count = 0;

    for (size_t i = SCOREBOARD_IDLE; i <= SCOREBOARD_CLOSING; i++)
        count += snapshot->children[i];
    return count;
}

uint64_t scoreboard_requests_total(const struct scoreboard_snapshot *snapshot)
{
    uint64_t count = 0;

    for (size_t i = 0; i < SCOREBOARD_METHODS; i++)
        for (size_t j = 0; j < SCOREBOARD_CLASSES; j++)
            count += snapshot->counts.requests[i][j];
    return count;
}

uint64_t scoreboard_histogram_count(const struct scoreboard_histogram *histogram)
{
    uint64_t count = 0;

    for (size_t i = 0; i <= SCOREBOARD_BOUNDS; i++)
        count += histogram->buckets[i];
    return count;
}

long long scoreboard_quantile_us(const struct scoreboard_histogram *histogram, unsigned permille)
{
    double rank = (double)scoreboard_histogram_count(histogram) * permille / 1000.0;
    double below = 0;
    long long low = 0;

    if (rank <= 0)
        return -1;
    for (size_t i = 0; i < SCOREBOARD_BOUNDS; i++) {
        long long high = (long long)scoreboard_bounds_us[i];
        double here = (double)histogram->buckets[i];
        if (here > 0 && below + here >= rank)
            return low + (long long)((double)(high - low) * (rank - below) / here);
        below += here;
        low = high;
    }
    return low;
}
