/* wait: how a child waits on its sockets. */
#include "wait.h"

#include <linux/sockios.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

static volatile sig_atomic_t draining;
static volatile sig_atomic_t unseen; /* a wait has still to be told of it */

/* How long the wait at hand may last. A signal that comes just before the wait makes it none: the
 * wait cannot miss it, and SIGTERM need not be blocked. */
static volatile struct timespec span;

static void note_drain(int signal_number)
{
    (void)signal_number;
    draining = 1;
    unseen = 1;
    span.tv_sec = 0;
    span.tv_nsec = 0;
}

void wait_init(void)
{
    struct sigaction action = {.sa_handler = note_drain, .sa_flags = SA_RESTART};
    sigset_t drain;

    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
    sigemptyset(&drain);
    sigaddset(&drain, SIGTERM);
    sigprocmask(SIG_UNBLOCK, &drain, NULL);
}

bool wait_is_draining(void)
{
    return draining != 0;
}

/* ppoll(2) itself: the C library's works on a copy of the span, and a signal between the copy and
 * the wait would be missed. */
static int poll_for_span(struct pollfd *sockets, size_t count)
{
    long number = SYS_ppoll;

#ifdef SYS_ppoll_time64
    if (sizeof span.tv_sec > sizeof(long))
        number = SYS_ppoll_time64;
#endif
    return (int)syscall(number, sockets, count, &span, NULL, (size_t)0);
}

int wait_ready(struct pollfd *sockets, size_t count, long long deadline)
{
    struct timespec wanted = clock_timespec(deadline, clock_now_ms());
    int ready = -1;

    span.tv_sec = wanted.tv_sec;
    span.tv_nsec = wanted.tv_nsec;
    if (!unseen)
        ready = poll_for_span(sockets, count);
    if (ready > 0)
        return ready;
    for (size_t i = 0; i < count; i++)
        sockets[i].revents = 0;
    if (!unseen && ready == 0)
        return 0;
    unseen = 0;
    return -1;
}

bool wait_peer_is_gone(int fd, long long patience_ms, long long *ended_ms)
{
    struct pollfd peer = {.fd = fd, .events = POLLRDHUP};
    long long now = clock_now_ms();

    if (poll(&peer, 1, 0) <= 0)
        return false;
    if ((peer.revents & (POLLHUP | POLLERR)) != 0)
        return true;
    if (*ended_ms == 0)
        *ended_ms = now;
    return now - *ended_ms >= patience_ms;
}

static int ask(int fd, unsigned long what)
{
    int octets = 0;

    return ioctl(fd, what, &octets) == 0 ? octets : 0;
}

int wait_unacknowledged(int fd)
{
    return ask(fd, SIOCOUTQ);
}

int wait_unsent(int fd)
{
    return ask(fd, SIOCOUTQNSD);
}
