/* Tests of children: the table of process ids against a plain array, and signals to real ones. */
#include "children.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

static void test_empty(void)
{
    struct children children = {0};
    struct child removed;

    check(!children_remove(&children, 1, &removed), "nothing to remove");
    check(children_find(&children, 1) == NULL, "nothing to find");
    children_signal(&children, SIGTERM);
    check(children_reserve(&children), "no memory");
    check_number("count", children.count, 0);
    check(!children_remove(&children, 1, &removed), "still nothing to remove");
    children_free(&children);
    check(children.slots == NULL && children.count == 0, "something is left");
    children_free(&children);
}

/* ---- the same steps on a table and on a plain array ---- */

#define STEPS 20000

static const struct model_row {
    const char *name;
    pid_t first;  /* the ids are first, first + stride, ... */
    pid_t stride; /* a power of two makes them meet in the same slots */
    size_t ids;   /* how many there are */
    int adds;     /* of ten steps, so many try to add */
} model_rows[] = {
    {"one id", 7, 1, 1, 5},
    {"few ids, one beside the other", 1, 1, 40, 5},
    {"many ids, one beside the other", 1000, 1, 3000, 7},
    {"ids that meet in one slot", 64, 64, 200, 5},
    {"ids that meet at the table's end", 63, 64, 200, 5},
    {"ids that meet in a large table", 4096, 1024, 500, 6},
    {"ids in steps", 3, 7, 1000, 6},
    {"the largest ids", 4194304 - 3000, 1, 3000, 5},
    {"mostly removals", 100, 3, 300, 3},
};

static void step(struct children *children, bool *present, size_t *count,
                 const struct model_row *row)
{
    size_t id = (size_t)rand() % row->ids;
    pid_t pid = row->first + (pid_t)id * row->stride;
    struct child removed;

    if (rand() % 10 >= row->adds) {
        check(children_remove(children, pid, &removed) == present[id], "removal of %d", (int)pid);
        check(!present[id] || (removed.pid == pid && removed.channel == (int)pid + 1),
              "%d was removed for %d", (int)removed.pid, (int)pid);
        *count -= present[id];
        present[id] = false;
    } else if (!present[id]) {
        assert_true(children_reserve(children));
        children_add(children, (struct child){.pid = pid, .channel = (int)pid + 1});
        present[id] = true;
        ++*count;
    }
    check((children_find(children, pid) != NULL) == present[id], "finding of %d", (int)pid);
}

/* Each id that is present stands in the table once, and nothing else does. */
static void check_table(const struct children *children, const bool *present, size_t count,
                        const struct model_row *row)
{
    size_t found = 0;

    for (size_t i = 0; i < children->capacity; i++) {
        pid_t pid = children->slots[i].pid;
        if (pid == 0)
            continue;
        size_t id = (size_t)((pid - row->first) / row->stride);
        check(pid >= row->first && id < row->ids && present[id], "%d should be gone", (int)pid);
        found++;
    }
    check_number("found", found, count);
    check_number("count", children->count, count);
    check(children->capacity == 0 || children->count < children->capacity, "no empty slot");
}

static void check_model(const void *at)
{
    const struct model_row *row = at;
    struct children children = {0};
    bool *present = calloc(row->ids, sizeof *present);
    struct child removed;
    size_t count = 0;

    srand(1);
    defer(free, present);
    for (int i = 0; i < STEPS; i++) {
        step(&children, present, &count, row);
        if (i % 50 == 0)
            check_table(&children, present, count, row);
    }
    for (size_t id = 0; id < row->ids; id++)
        check(children_remove(&children, row->first + (pid_t)id * row->stride, &removed) ==
                  present[id],
              "removal of id %zu at the end", id);
    check_number("count at the end", children.count, 0);
    children_free(&children);
}

/* ---- roles ---- */

static void test_roles_are_counted(void)
{
    struct children children = {0};
    struct child removed;

    for (pid_t pid = 1; pid <= 100; pid++) {
        assert_true(children_reserve(&children));
        children_add(&children, (struct child){.pid = pid, .role = CHILD_STANDBY});
    }
    for (pid_t pid = 1; pid <= 30; pid++)
        children_give(&children, children_find(&children, pid), (struct client_key){0});
    for (pid_t pid = 21; pid <= 50; pid++)
        assert_true(children_remove(&children, pid, &removed));
    check_number("serving", children.counts[CHILD_SERVING], 20);
    check_number("standby", children.counts[CHILD_STANDBY], 50);
    check_number("all", children.count, 70);
    check_number("role", children_find(&children, 20)->role, CHILD_SERVING);
    check_number("role", children_find(&children, 51)->role, CHILD_STANDBY);
    children_free(&children);
}

/* ---- signals ---- */

static pid_t start_child(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        signal(SIGTERM, SIG_DFL);
        alarm(60); /* should the test fail before its end */
        for (;;)
            pause();
    }
    assert_true(pid > 0);
    return pid;
}

static void test_signal_reaches_each(void)
{
    struct children children = {0};
    struct child removed;
    pid_t pids[5];
    int status;

    for (size_t i = 0; i < COUNT_OF(pids); i++) {
        assert_true(children_reserve(&children));
        pids[i] = start_child();
        children_add(&children, (struct child){.pid = pids[i]});
    }
    assert_true(children_remove(&children, pids[2], &removed));
    children_signal(&children, SIGTERM);
    for (size_t i = 0; i < COUNT_OF(pids); i++) {
        if (i == 2)
            continue;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        check(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM, "child %zu: status %d", i,
              status);
    }
    check_number("the one that was removed goes on", waitpid(pids[2], &status, WNOHANG), 0);
    kill(pids[2], SIGKILL);
    waitpid(pids[2], &status, 0);
    children_free(&children);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_empty),
        ROWS(model_rows, check_model),
        TEST(test_roles_are_counted),
        TEST(test_signal_reaches_each),
    };

    return cmocka_run_group_tests_name("children", tests, NULL, NULL);
}
