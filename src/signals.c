/* signals: what the master has been told by signals. */
#include "signals.h"

#include <stddef.h>

struct signals_noted signals_noted;

static void note_signal(int signal_number)
{
    if (signal_number == SIGTERM || signal_number == SIGINT)
        signals_noted.stops = signals_noted.stops + 1;
    else if (signal_number == SIGHUP)
        signals_noted.reload = 1;
    else if (signal_number == SIGUSR1)
        signals_noted.status = 1;
    /* SIGCHLD need only wake the wait */
}

void signals_init(sigset_t *waiting_mask, bool keep_ignored)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD};
    struct sigaction action = {.sa_handler = note_signal};
    struct sigaction old_hup;
    sigset_t blocked;

    sigaction(SIGHUP, NULL, &old_hup);
    bool was_hup_ignored = old_hup.sa_handler == SIG_IGN;
    sigemptyset(&blocked);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        sigaddset(&blocked, numbers[i]);
    sigprocmask(SIG_BLOCK, &blocked, waiting_mask);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        sigdelset(waiting_mask, numbers[i]); /* even if it was blocked by our parent */
        sigaction(numbers[i], &action, NULL);
    }
    if (was_hup_ignored && keep_ignored)
        signal(SIGHUP, SIG_IGN);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
}

void signals_take(const sigset_t *waiting_mask)
{
    sigset_t blocked;

    sigprocmask(SIG_SETMASK, waiting_mask, &blocked);
    sigprocmask(SIG_SETMASK, &blocked, NULL);
}
