/* process: how a child of the master begins. */
#include "process.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define LEADING_NICE (-10)

static int shared[PROCESS_SHARED_MAX];
static size_t shared_count;

bool process_share(int fd)
{
    if (shared_count == PROCESS_SHARED_MAX)
        return false;
    shared[shared_count++] = fd;
    return true;
}

void process_lead(void)
{
    if (getpriority(PRIO_PROCESS, 0) == 0)
        setpriority(PRIO_PROCESS, 0, LEADING_NICE);
}

static int compare(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static void close_between(unsigned first, unsigned behind)
{
    if (first >= behind || close_range(first, behind - 1, 0) == 0 || errno != ENOSYS)
        return;
    long limit = sysconf(_SC_OPEN_MAX);
    for (unsigned fd = first; fd < behind && (long)fd < limit; fd++)
        close((int)fd);
}

static void close_others(const int *keep, size_t count)
{
    int sorted[PROCESS_KEEP_MAX + PROCESS_SHARED_MAX];
    unsigned next = STDERR_FILENO + 1;

    if (count > PROCESS_KEEP_MAX)
        abort();
    memcpy(sorted, keep, count * sizeof *keep);
    memcpy(sorted + count, shared, shared_count * sizeof *shared);
    count += shared_count;
    qsort(sorted, count, sizeof *sorted, compare);
    for (size_t i = 0; i < count; i++) {
        close_between(next, (unsigned)sorted[i]);
        next = (unsigned)sorted[i] + 1;
    }
    close_between(next, ~0U);
}

pid_t process_fork(const struct process_start *start, int *slot)
{
    pid_t parent = getpid();

    *slot = scoreboard_reserve();
    pid_t pid = fork();
    if (pid < 0)
        scoreboard_release(*slot);
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(EXIT_FAILURE);
    if (getpriority(PRIO_PROCESS, 0) < 0)
        setpriority(PRIO_PROCESS, 0, 0);
    prctl(PR_SET_NAME, start->name);
    close_others(start->keep, start->keep_count);
    scoreboard_take(*slot, start->state);
    return 0;
}
