/* signals: what the master has been told by signals. Handlers only note it; signals are blocked but
 * while the master waits, and while it lets them through. */
#ifndef AUTHBRIDGE_SIGNALS_H
#define AUTHBRIDGE_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

/* Noted by handlers, taken back by whoever has done what was asked. */
struct signals_noted {
    volatile sig_atomic_t stops;  /* SIGTERM and SIGINT: how many */
    volatile sig_atomic_t reload; /* SIGHUP */
    volatile sig_atomic_t status; /* SIGUSR1 */
};
extern struct signals_noted signals_noted;

/* Sets the handlers, blocks the signals, and ignores SIGPIPE. *waiting_mask is for ppoll(2): with
 * it they get through. With keep_ignored a SIGHUP that was ignored stays so: nohup(1). */
void signals_init(sigset_t *waiting_mask, bool keep_ignored);

/* Lets pending signals through: ppoll(2) delivers none when a socket is ready already, so that
 * under load they would never come. */
void signals_take(const sigset_t *waiting_mask);

#endif
