/* standby: children forked ahead of need; handing a client's connection to one. */
#include "standby.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "connection.h"
#include "handover.h"
#include "log.h"
#include "process.h"
#include "scoreboard.h"
#include "standby_child.h"

#define PAUSE_MS   1000 /* after one could not be made, or ended by itself */
#define SETTLE_MS  5    /* a client that has just come is served before a replacement is made */
#define SURPLUS_MS 2000 /* how long more than wanted are kept for the next burst */

bool standby_init(struct standbys *standbys)
{
    *standbys = (struct standbys){.returns = {-1, -1}};
    return socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, standbys->returns) == 0;
}

void standby_free(struct standbys *standbys)
{
    for (int i = 0; i < 2; i++)
        if (standbys->returns[i] >= 0)
            close(standbys->returns[i]);
    *standbys = (struct standbys){.returns = {-1, -1}};
}

/* ---- the ones that are idle ---- */

static void remove_idle(struct standbys *standbys, size_t at)
{
    standbys->count--;
    memmove(standbys->idle + at, standbys->idle + at + 1,
            (standbys->count - at) * sizeof *standbys->idle);
}

static void close_channel(struct child *child)
{
    if (child->channel >= 0)
        close(child->channel);
    child->channel = -1;
}

/* Ends the oldest: it sees its channel's end. */
static void end_oldest(struct standbys *standbys, struct children *children)
{
    close_channel(children_find(children, standbys->idle[0]));
    remove_idle(standbys, 0);
}

void standby_forget(struct standbys *standbys, const struct child *child, bool failed)
{
    bool was_idle = false;

    for (size_t i = 0; i < standbys->count; i++) {
        if (standbys->idle[i] == child->pid) {
            remove_idle(standbys, i);
            was_idle = true;
        }
    }
    if (child->channel >= 0)
        close(child->channel);
    if (was_idle || failed)
        standbys->pause_ms = clock_now_ms() + PAUSE_MS;
}

/* ---- making one ---- */

static void pause_making(struct standbys *standbys, int error)
{
    standbys->pause_ms = clock_now_ms() + PAUSE_MS;
    log_warning_limited(&standbys->logged_ms, "cannot make a standby child: %s", strerror(error));
}

/* Forks a child that waits on a channel. NULL with errno; never returns in the child. */
static struct child *fork_one(struct standbys *standbys, struct children *children,
                              const struct config *config, const struct trust *trust)
{
    int ends[2];

    if (!children_reserve(children) || !handover_open(ends))
        return NULL;
    const struct process_start start = {
        .name = STANDBY_NAME,
        .state = SCOREBOARD_STANDBY,
        .keep = {ends[1], standbys->returns[1]},
        .keep_count = 2,
    };
    int slot;
    pid_t pid = process_fork(&start, &slot);
    if (pid == 0)
        standby_run(ends[1], standbys->returns[1], config, trust);
    int error = errno;
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        errno = error;
        return NULL;
    }
    scoreboard_note_event(SCOREBOARD_FORKED);
    children_add(
        children,
        (struct child){.pid = pid, .role = CHILD_STANDBY, .channel = ends[0], .slot = slot});
    return children_find(children, pid);
}

/* When the next one may be made. */
static long long making_due(const struct standbys *standbys)
{
    long long settled_ms = standbys->count > 0 ? standbys->used_ms + SETTLE_MS : 0;

    return standbys->pause_ms > settled_ms ? standbys->pause_ms : settled_ms;
}

static bool is_short(const struct standbys *standbys, const struct config *config)
{
    return standbys->count < (size_t)config->standby && clock_now_ms() >= making_due(standbys);
}

/* ---- those that come back ---- */

static void take_back(struct standbys *standbys, struct children *children, pid_t pid)
{
    struct child *child = children_find(children, pid);

    if (child == NULL || child->channel < 0 || child->role != CHILD_SERVING)
        return;
    children_rest(children, child);
    if (standbys->count == STANDBY_IDLE_MAX)
        close_channel(child);
    else
        standbys->idle[standbys->count++] = pid;
}

void standby_take_returns(struct standbys *standbys, struct children *children)
{
    pid_t pid;

    while (recv(standbys->returns[0], &pid, sizeof pid, MSG_DONTWAIT) == (ssize_t)sizeof pid)
        take_back(standbys, children, pid);
}

/* ---- what the master calls ---- */

static bool has_surplus(const struct standbys *standbys, const struct config *config)
{
    return standbys->count > (size_t)config->standby;
}

static void end_surplus(struct standbys *standbys, struct children *children,
                        const struct config *config)
{
    long long now = clock_now_ms();

    if (!has_surplus(standbys, config))
        standbys->surplus_ms = 0;
    else if (standbys->surplus_ms == 0)
        standbys->surplus_ms = now;
    else if (now - standbys->surplus_ms >= SURPLUS_MS)
        while (has_surplus(standbys, config))
            end_oldest(standbys, children);
}

void standby_tend(struct standbys *standbys, struct children *children, const struct config *config,
                  const struct trust *trust)
{
    end_surplus(standbys, children, config);
    if (!is_short(standbys, config))
        return;
    const struct child *child = fork_one(standbys, children, config, trust);
    if (child == NULL)
        pause_making(standbys, errno);
    else
        standbys->idle[standbys->count++] = child->pid;
}

long long standby_next_event(const struct standbys *standbys, const struct config *config)
{
    if (standbys->count < (size_t)config->standby)
        return making_due(standbys);
    return standbys->surplus_ms > 0 ? standbys->surplus_ms + SURPLUS_MS : CLOCK_NEVER;
}

/* Gives it the connection. false when the child has ended. */
static bool give(struct standbys *standbys, struct children *children, struct child *child,
                 const struct accepted *accepted, const struct config *config)
{
    if (!handover_send(child->channel, accepted)) {
        close_channel(child);
        return false;
    }
    children_give(children, child, accepted->client);
    standbys->used_ms = clock_now_ms();
    if (config->recycle == 1)
        close_channel(child);
    return true;
}

bool standby_hand_over(struct standbys *standbys, struct children *children,
                       const struct accepted *accepted, const struct config *config,
                       const struct trust *trust)
{
    while (standbys->count > 0) {
        struct child *child = children_find(children, standbys->idle[0]);
        remove_idle(standbys, 0);
        if (give(standbys, children, child, accepted, config))
            return true;
    }
    if (config->recycle == 1)
        return false;
    struct child *child = fork_one(standbys, children, config, trust);
    return child != NULL && give(standbys, children, child, accepted, config);
}

void standby_retire(struct standbys *standbys, struct children *children)
{
    for (size_t i = 0; i < children->capacity; i++)
        if (children->slots[i].pid != 0)
            close_channel(&children->slots[i]);
    standbys->count = 0;
    standbys->pause_ms = standbys->surplus_ms = 0;
}
