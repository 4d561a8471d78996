/* wait: how a child waits on its sockets. */
#include "wait.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "clock.h"

static volatile sig_atomic_t draining;
static sigset_t waiting_mask; /* SIGTERM gets through */

static void note_drain(int signal_number)
{
    (void)signal_number;
    draining = 1;
}

void wait_init(void)
{
    struct sigaction action = {.sa_handler = note_drain};
    sigset_t blocked;

    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);

    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    sigprocmask(SIG_BLOCK, NULL, &waiting_mask);
    sigdelset(&waiting_mask, SIGTERM);
}

bool wait_is_draining(void)
{
    return draining != 0;
}

int wait_ready(struct pollfd *sockets, size_t count, long long deadline)
{
    int timeout = clock_poll_ms(deadline, clock_now_ms());
    struct timespec span = {timeout / 1000, timeout % 1000 * 1000000L};

    int ready = ppoll(sockets, count, timeout < 0 ? NULL : &span, &waiting_mask);
    if (ready >= 0)
        return ready;
    for (size_t i = 0; i < count; i++)
        sockets[i].revents = 0;
    return -1;
}
