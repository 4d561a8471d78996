/* scoreboard: what all processes of the bridge count, in memory that they share: a slot for each
 * child, with its state and counters that only it writes, and a few figures of the master's.
 *
 * A slot's counters are never taken back: the child that gets the slot next counts on from them. So
 * a sum over all slots never goes down, needs no lock, and loses nothing when a child crashes. */
#ifndef AUTHBRIDGE_SCOREBOARD_H
#define AUTHBRIDGE_SCOREBOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "slice.h"

/* Slots for as many connections as can be configured, what is made ahead, and the status page's
 * own. Memory is used for the slots that were ever needed at once. */
#define SCOREBOARD_SLOTS_MAX 108192u

enum scoreboard_state {
    SCOREBOARD_STANDBY, /* made ahead, without a client */
    SCOREBOARD_IDLE,    /* no request has begun */
    SCOREBOARD_READING, /* a request head is on its way */
    SCOREBOARD_WAITING, /* the target has not begun to answer */
    SCOREBOARD_RELAYING,
    SCOREBOARD_TUNNEL,
    SCOREBOARD_CLOSING,
    SCOREBOARD_STATUS, /* serves the status page */
    SCOREBOARD_KEEPER, /* gets tokens */
    SCOREBOARD_STATES
};

enum scoreboard_time {
    SCOREBOARD_TOTAL,      /* from a request's first octet to the end of its exchange */
    SCOREBOARD_CONNECT,    /* a connection to the target, TLS included */
    SCOREBOARD_FIRST_BYTE, /* from turning to the target to its final response head */
    SCOREBOARD_TIMES
};

/* How handshakes with clients end. */
enum scoreboard_handshake {
    SCOREBOARD_HANDSHAKE_FULL,
    SCOREBOARD_HANDSHAKE_RESUMED, /* a session that some process of the bridge gave */
    SCOREBOARD_HANDSHAKE_FAILED,
    SCOREBOARD_HANDSHAKES
};

#define SCOREBOARD_METHODS 8u  /* the last one stands for all others */
#define SCOREBOARD_CLASSES 6u  /* of a status: none sent, 1xx to 5xx */
#define SCOREBOARD_CAUSES  27u /* the last one stands for all others */
#define SCOREBOARD_BOUNDS  16u /* of a histogram; above the last one is one bucket more */

extern const char *const scoreboard_state_names[SCOREBOARD_STATES];
extern const char *const scoreboard_handshake_names[SCOREBOARD_HANDSHAKES];
extern const char *const scoreboard_method_names[SCOREBOARD_METHODS];
extern const char *const scoreboard_class_names[SCOREBOARD_CLASSES];
extern const char *const scoreboard_cause_names[SCOREBOARD_CAUSES]; /* RFC 9209 2.3 */
extern const uint32_t scoreboard_bounds_us[SCOREBOARD_BOUNDS];

struct scoreboard_histogram {
    uint64_t buckets[SCOREBOARD_BOUNDS + 1]; /* how often a time was in this one alone */
    uint64_t sum_us;
};

/* Everything that children count. */
struct scoreboard_counts {
    uint64_t requests[SCOREBOARD_METHODS][SCOREBOARD_CLASSES];
    uint64_t causes[SCOREBOARD_CAUSES];
    uint64_t bytes_in, bytes_out;
    uint64_t sign_ins_failed;
    uint64_t secrets[2]; /* responses in which one came back: masked, blocked */
    struct scoreboard_histogram times[SCOREBOARD_TIMES];
    uint64_t handshakes[SCOREBOARD_HANDSHAKES];
};

/* Everything that the master counts. */
enum scoreboard_event {
    SCOREBOARD_ACCEPTED,
    SCOREBOARD_REFUSED, /* connections of clients that have too many */
    SCOREBOARD_FORKED,
    SCOREBOARD_RELOADED,
    SCOREBOARD_RELOAD_FAILED,
    SCOREBOARD_EXIT_SERVED, /* children's ends, by reason */
    SCOREBOARD_EXIT_FAILED,
    SCOREBOARD_EXIT_CRASHED,
    SCOREBOARD_EXIT_KILLED,
    SCOREBOARD_KEEPER_DIED,
    SCOREBOARD_EVENTS
};

struct scoreboard_snapshot {
    struct scoreboard_counts counts;
    uint64_t events[SCOREBOARD_EVENTS];
    uint64_t children[SCOREBOARD_STATES];
    int64_t listener_certificate; /* when it expires, in seconds since 1970; 0: there is none */
    bool draining;
};

/* ---- the master's part ---- */

/* Makes the shared memory, before any fork. false when that fails: errno says why, nothing is
 * counted, and every other call here does nothing. */
bool scoreboard_init(void);
void scoreboard_free(void);

/* Reserves a slot for a child that is about to be forked. -1 when there is none. */
int scoreboard_reserve(void);

/* Gives back the slot of a child that has ended, or was never made. -1 is ignored. */
void scoreboard_release(int slot);

void scoreboard_note_event(enum scoreboard_event event);
void scoreboard_set_draining(void);

/* When the certificate of listeners with TLS expires; 0: there is none. */
void scoreboard_note_listener_certificate(int64_t expires);

/* ---- a child's part: a few nanoseconds each, no system call ---- */

/* Takes the slot that was reserved for this process. */
void scoreboard_take(int slot, enum scoreboard_state state);

void scoreboard_set_state(enum scoreboard_state state);

/* An exchange has ended: its method may be empty, its status 0, and its cause NULL. */
void scoreboard_note_exchange(struct slice method, unsigned status, const char *cause,
                              long long total_us);
void scoreboard_note_time(enum scoreboard_time time, long long us);
/* A name and password were wrong. */
void scoreboard_note_failed_sign_in(void);

void scoreboard_note_handshake(enum scoreboard_handshake end);
void scoreboard_note_bytes(uint64_t in, uint64_t out);

/* A response had a secret of the bridge in it, and was blocked, or that was masked. */
void scoreboard_note_secret(bool blocked);

/* ---- reading, from any process ---- */

void scoreboard_read(struct scoreboard_snapshot *snapshot);

/* What one child does, and for how long it has. */
struct scoreboard_child {
    pid_t pid;
    enum scoreboard_state state;
    int64_t for_ms;
};

/* How many slots there are to look at, and one of them: false when no child has it. */
unsigned scoreboard_slots(void);
bool scoreboard_read_child(unsigned slot, struct scoreboard_child *child);

/* Clients' connections, of a snapshot. */
uint64_t scoreboard_connections(const struct scoreboard_snapshot *snapshot);

uint64_t scoreboard_requests_total(const struct scoreboard_snapshot *snapshot);

uint64_t scoreboard_histogram_count(const struct scoreboard_histogram *histogram);

/* The time below which that many of a thousand lie, in microseconds, taken to lie evenly within
 * a bucket; the last bound when it lies above that. -1 without any. */
long long scoreboard_quantile_us(const struct scoreboard_histogram *histogram, unsigned permille);

#endif
