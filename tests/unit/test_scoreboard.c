/* Tests of scoreboard: counters that children write at the same time, slots that pass from one to
 * the next, and what is made of the figures. */
#include "scoreboard.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

static struct scoreboard_snapshot snapshot;

static void release_board(void *unused)
{
    (void)unused;
    scoreboard_free();
}

static void begin(void)
{
    assert_true(scoreboard_init());
    defer(release_board, &snapshot);
}

static void read_board(void)
{
    scoreboard_read(&snapshot);
}

/* ---- children ---- */

#define CHILDREN  4
#define EXCHANGES 20000

/* What each child counts: exchanges of one method and status, a cause for each tenth. */
static void count_exchanges(const char *method)
{
    for (int i = 0; i < EXCHANGES; i++) {
        scoreboard_set_state(SCOREBOARD_RELAYING);
        scoreboard_note_bytes(1, 1000);
        scoreboard_note_exchange(slice_of(method), 200, i % 10 == 0 ? "dns_error" : NULL, 700);
    }
}

/* Forks a child that has a slot and does that, and then either ends or is killed. */
static pid_t start_child(int slot, const char *method, bool waits)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    scoreboard_take(slot, SCOREBOARD_IDLE);
    count_exchanges(method);
    while (waits)
        pause();
    _exit(0);
}

static void check_children_counts(uint64_t children)
{
    read_board();
    check_number("GET with 200", snapshot.counts.requests[0][2], children * EXCHANGES);
    check_number("requests", scoreboard_requests_total(&snapshot), children * EXCHANGES);
    check_number("bytes in", snapshot.counts.bytes_in, children * EXCHANGES);
    check_number("bytes out", snapshot.counts.bytes_out, children * EXCHANGES * 1000);
    check_number("dns_error", snapshot.counts.causes[9], children * EXCHANGES / 10);
    check_number("up to 1 ms", snapshot.counts.times[SCOREBOARD_TOTAL].buckets[1],
                 children * EXCHANGES);
    check_number("sum", snapshot.counts.times[SCOREBOARD_TOTAL].sum_us, children * EXCHANGES * 700);
}

static void test_children_at_once(void)
{
    pid_t children[CHILDREN];
    int slots[CHILDREN];

    begin();
    check_text("the cause that is checked", scoreboard_cause_names[9], "dns_error");
    for (unsigned round = 1; round <= 3; round++) {
        for (int i = 0; i < CHILDREN; i++) {
            slots[i] = scoreboard_reserve();
            children[i] = start_child(slots[i], "GET", false);
        }
        for (int i = 0; i < CHILDREN; i++) {
            assert_true(waitpid(children[i], NULL, 0) == children[i]);
            scoreboard_release(slots[i]);
        }
        check_children_counts((uint64_t)round * CHILDREN);
        check_number("slots, used again", scoreboard_slots(), CHILDREN);
    }
}

/* Waits until the child has counted all, without sleeping a fixed time. */
static void wait_for_requests(uint64_t count)
{
    for (int i = 0; i < 10000; i++) {
        read_board();
        if (scoreboard_requests_total(&snapshot) >= count)
            return;
        usleep(1000);
    }
    fail_msg("the child does not count");
}

static void test_crash(void)
{
    begin();
    int slot = scoreboard_reserve();
    pid_t pid = start_child(slot, "GET", true);
    wait_for_requests(EXCHANGES);
    check_number("relaying", snapshot.children[SCOREBOARD_RELAYING], 1);
    check_number("connections", scoreboard_connections(&snapshot), 1);

    struct scoreboard_child child;
    check(scoreboard_read_child((unsigned)slot, &child), "its slot is empty");
    check_number("process", child.pid, pid);
    check(child.state == SCOREBOARD_RELAYING && child.for_ms >= 0, "its state is another");

    kill(pid, SIGKILL);
    assert_true(waitpid(pid, NULL, 0) == pid);
    scoreboard_release(slot);
    check_children_counts(1);
    check_number("connections", scoreboard_connections(&snapshot), 0);
    check(!scoreboard_read_child((unsigned)slot, &child), "the dead child still has its slot");
}

/* ---- slots ---- */

static void test_slots(void)
{
    begin();
    check_number("first", scoreboard_reserve(), 0);
    check_number("second", scoreboard_reserve(), 1);
    scoreboard_release(0);
    scoreboard_release(-1);
    check_number("the one given back", scoreboard_reserve(), 0);
    for (unsigned i = 2; i < SCOREBOARD_SLOTS_MAX; i++)
        if (!check_number("next", scoreboard_reserve(), i))
            return;
    check_number("when all are taken", scoreboard_reserve(), -1);
    check_number("slots", scoreboard_slots(), SCOREBOARD_SLOTS_MAX);
    scoreboard_release(77);
    check_number("after one is free", scoreboard_reserve(), 77);
    scoreboard_take(-1, SCOREBOARD_IDLE);
    scoreboard_note_bytes(1, 1);
    read_board();
    check_number("counted without a slot", snapshot.counts.bytes_in, 0);
}

static void test_without_a_board(void)
{
    scoreboard_note_event(SCOREBOARD_FORKED);
    scoreboard_set_draining();
    check_number("slot", scoreboard_reserve(), -1);
    scoreboard_release(0);
    scoreboard_take(3, SCOREBOARD_IDLE);
    scoreboard_note_exchange(slice_of("GET"), 200, NULL, 1);
    read_board();
    check_number("requests", scoreboard_requests_total(&snapshot), 0);
    check_number("slots", scoreboard_slots(), 0);
    check(!snapshot.draining, "it drains");
}

static void test_figures_of_the_master(void)
{
    begin();
    for (int i = 0; i < SCOREBOARD_EVENTS; i++)
        for (int j = 0; j <= i; j++)
            scoreboard_note_event((enum scoreboard_event)i);
    read_board();
    for (int i = 0; i < SCOREBOARD_EVENTS; i++)
        check_number("event", snapshot.events[i], i + 1);
    check(!snapshot.draining, "something else was noted");
    scoreboard_set_draining();
    read_board();
    check(snapshot.draining, "the drain was not noted");
}

/* ---- what is counted where ---- */

static const struct exchange_row {
    const char *name;
    struct slice method;
    unsigned status;
    const char *cause;
    unsigned method_index, class_index;
    int cause_index; /* -1: none */
} exchange_rows[] = {
    {"GET", OCTETS("GET"), 200, NULL, 0, 2, -1},
    {"POST", OCTETS("POST"), 302, NULL, 1, 3, -1},
    {"PUT", OCTETS("PUT"), 404, NULL, 2, 4, -1},
    {"HEAD", OCTETS("HEAD"), 599, NULL, 3, 5, -1},
    {"DELETE", OCTETS("DELETE"), 204, NULL, 4, 2, -1},
    {"PATCH", OCTETS("PATCH"), 101, NULL, 5, 1, -1},
    {"OPTIONS", OCTETS("OPTIONS"), 200, NULL, 6, 2, -1},
    {"another method", OCTETS("PROPFIND"), 207, NULL, 7, 2, -1},
    {"methods have their case", OCTETS("get"), 200, NULL, 7, 2, -1},
    {"a method that begins like one", OCTETS("GETS"), 200, NULL, 7, 2, -1},
    {"a method named as the rest", OCTETS("other"), 200, NULL, 7, 2, -1},
    {"no method", OCTETS(""), 400, "http_request_error", 7, 4, 13},
    {"no status", OCTETS("GET"), 0, "client_gone", 0, 0, 0},
    {"a status beyond all classes", OCTETS("GET"), 999, NULL, 0, 0, -1},
    {"the last cause", OCTETS("GET"), 502, "tls_protocol_error", 0, 5, 25},
    {"an unknown cause", OCTETS("GET"), 502, "moon_phase", 0, 5, 26},
};

static void check_exchange_row(const void *row)
{
    const struct exchange_row *r = row;

    begin();
    scoreboard_take(scoreboard_reserve(), SCOREBOARD_IDLE);
    scoreboard_note_exchange(r->method, r->status, r->cause, 0);
    read_board();
    check_number("requests", scoreboard_requests_total(&snapshot), 1);
    check_number("where", snapshot.counts.requests[r->method_index][r->class_index], 1);
    for (int i = 0; i < (int)SCOREBOARD_CAUSES; i++)
        check_number(scoreboard_cause_names[i], snapshot.counts.causes[i], i == r->cause_index);
}

static const struct bucket_row {
    const char *name;
    long long us;
    unsigned bucket;
} bucket_rows[] = {
    {"nothing", 0, 0},           {"a clock that went back", -5, 0},
    {"the first bound", 500, 0}, {"just above it", 501, 1},
    {"within", 20000, 5},        {"the last bound", 60000000, 15},
    {"above all", 60000001, 16}, {"a day", 86400000000, 16},
};

static void check_bucket_row(const void *row)
{
    const struct bucket_row *r = row;

    begin();
    scoreboard_take(scoreboard_reserve(), SCOREBOARD_IDLE);
    for (int time = 0; time < SCOREBOARD_TIMES; time++)
        scoreboard_note_time((enum scoreboard_time)time, r->us);
    read_board();
    for (int time = 0; time < SCOREBOARD_TIMES; time++) {
        const struct scoreboard_histogram *histogram = &snapshot.counts.times[time];
        check_number("bucket", histogram->buckets[r->bucket], 1);
        check_number("count", scoreboard_histogram_count(histogram), 1);
        check_number("sum", histogram->sum_us, r->us > 0 ? r->us : 0);
    }
}

static void test_states(void)
{
    begin();
    for (int state = 0; state < SCOREBOARD_STATES; state++)
        scoreboard_take(scoreboard_reserve(), (enum scoreboard_state)state);
    scoreboard_set_state(SCOREBOARD_IDLE);
    read_board();
    for (int state = 0; state < SCOREBOARD_STATES; state++)
        check_number(scoreboard_state_names[state], snapshot.children[state],
                     state == SCOREBOARD_IDLE     ? 2
                     : state == SCOREBOARD_KEEPER ? 0
                                                  : 1);
    check_number("connections", scoreboard_connections(&snapshot), 7);
}

/* ---- quantiles ---- */

static const struct quantile_row {
    const char *name;
    struct scoreboard_histogram histogram;
    unsigned permille;
    long long us;
} quantile_rows[] = {
    {"nothing", {{0}, 0}, 500, -1},
    {"the middle of one bucket", {{10}, 0}, 500, 250},
    {"the end of one bucket", {{10}, 0}, 1000, 500},
    {"the middle of two", {{10, 10}, 0}, 500, 500},
    {"within the second", {{10, 10}, 0}, 750, 750},
    {"an empty one between", {{5, 0, 5}, 0}, 950, 2350},
    {"above the last bound", {{[16] = 3}, 0}, 500, 60000000},
};

static void check_quantile_row(const void *row)
{
    const struct quantile_row *r = row;

    check_number("quantile", scoreboard_quantile_us(&r->histogram, r->permille), r->us);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_children_at_once),
        TEST(test_crash),
        TEST(test_slots),
        TEST(test_without_a_board),
        TEST(test_figures_of_the_master),
        ROWS(exchange_rows, check_exchange_row),
        ROWS(bucket_rows, check_bucket_row),
        TEST(test_states),
        ROWS(quantile_rows, check_quantile_row),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
