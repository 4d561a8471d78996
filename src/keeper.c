/* keeper: the master's side of the keeper. */
#include "keeper.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "connection.h"
#include "keeper_child.h"
#include "log.h"
#include "process.h"
#include "scoreboard.h"
#include "token.h"

#define DELAY_FIRST_MS 1000
#define DELAY_LAST_MS  60000
#define SOON_MS        10000 /* a keeper that dies sooner than that may do so again */
#define PATIENCE_MS    2000  /* with one that is to end */

void keeper_init(struct keeper *keeper)
{
    *keeper = (struct keeper){.channel = -1, .delay_ms = DELAY_FIRST_MS};
}

static bool is_needed(const struct keeper *keeper)
{
    const struct config *config = keeper->config;

    return config != NULL && (config->tokens.count > 0 || config->names.count > 0);
}

/* What children tell the keeper by. It stays for good: old children have it, too. */
static void hang_bell(struct keeper *keeper)
{
    if (token_bell() >= 0)
        return;
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0)
        log_warning_limited(&keeper->logged_ms, "cannot make an eventfd: %s", strerror(errno));
    else if (!process_share(fd))
        close(fd);
    else
        token_set_bell(fd);
}

/* ---- ending one ---- */

static void tell_to_end(struct keeper *keeper)
{
    if (keeper->channel < 0)
        return;
    close(keeper->channel);
    keeper->channel = -1;
    keeper->due_ms = clock_now_ms() + PATIENCE_MS;
}

void keeper_use(struct keeper *keeper, const struct config *config)
{
    keeper->config = config;
    tell_to_end(keeper);
    if (keeper->pid == 0)
        keeper->due_ms = 0;
    if (config->tokens.count > 0)
        hang_bell(keeper);
}

void keeper_end(struct keeper *keeper)
{
    keeper->config = NULL;
    tell_to_end(keeper);
    if (keeper->pid > 0)
        kill(keeper->pid, SIGKILL);
    if (token_bell() >= 0)
        close(token_bell());
    token_set_bell(-1);
}

/* ---- its death ---- */

static void report_death(const struct keeper *keeper, int status, long long wait_ms)
{
    const char *when = wait_ms > 0 ? "soon" : "at once";

    if (WIFSIGNALED(status))
        log_error("the keeper, process %d, was ended by signal %d (%s); another one is started %s, "
                  "and tokens that are valid stay in use",
                  (int)keeper->pid, WTERMSIG(status), strsignal(WTERMSIG(status)), when);
    else
        log_error("the keeper, process %d, ended with status %d; another one is started %s, and "
                  "tokens that are valid stay in use",
                  (int)keeper->pid, WEXITSTATUS(status), when);
}

/* When the next one is started after one that died by itself. */
static long long take_delay(struct keeper *keeper)
{
    long long now = clock_now_ms();
    long long delay = keeper->delay_ms;

    if (now - keeper->started_ms >= SOON_MS) {
        keeper->delay_ms = DELAY_FIRST_MS;
        return 0;
    }
    keeper->delay_ms = 2 * delay < DELAY_LAST_MS ? 2 * delay : DELAY_LAST_MS;
    return delay;
}

bool keeper_reap(struct keeper *keeper, pid_t pid, int status)
{
    if (keeper->pid == 0 || keeper->pid != pid)
        return false;
    long long wait_ms = 0;
    bool was_told = keeper->channel < 0;
    scoreboard_release(keeper->slot);
    if (!was_told) {
        wait_ms = take_delay(keeper);
        report_death(keeper, status, wait_ms);
        scoreboard_note_event(SCOREBOARD_KEEPER_DIED);
        close(keeper->channel);
        keeper->channel = -1;
    } else if (!WIFEXITED(status) || WEXITSTATUS(status) != CONNECTION_SERVED) {
        log_warning("the keeper, process %d, did not end as it should", (int)pid);
    }
    keeper->pid = 0;
    keeper->due_ms = clock_now_ms() + wait_ms;
    return true;
}

/* ---- starting one ---- */

static void retry_later(struct keeper *keeper, int error)
{
    keeper->due_ms = clock_now_ms() + DELAY_FIRST_MS;
    log_warning_limited(&keeper->logged_ms, "cannot start the keeper: %s", strerror(error));
}

static void start(struct keeper *keeper)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        retry_later(keeper, errno);
        return;
    }
    const struct process_start start = {
        .name = KEEPER_NAME,
        .state = SCOREBOARD_KEEPER,
        .keep = {ends[1]},
        .keep_count = 1,
    };
    pid_t pid = process_fork(&start, &keeper->slot);
    int error = errno;
    if (pid == 0)
        keeper_run(ends[1], keeper->config);
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        retry_later(keeper, error);
        return;
    }
    keeper->pid = pid;
    keeper->channel = ends[0];
    keeper->started_ms = clock_now_ms();
}

void keeper_tend(struct keeper *keeper)
{
    long long now = clock_now_ms();

    if (keeper->pid == 0 && is_needed(keeper) && now >= keeper->due_ms) {
        start(keeper);
    } else if (keeper->pid != 0 && keeper->channel < 0 && now >= keeper->due_ms) {
        kill(keeper->pid, SIGKILL);
        keeper->due_ms = now + PATIENCE_MS;
    }
}

long long keeper_next_event(const struct keeper *keeper)
{
    bool waits = keeper->pid == 0 ? is_needed(keeper) : keeper->channel < 0;

    return waits ? keeper->due_ms : CLOCK_NEVER;
}
