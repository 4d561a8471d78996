/* service: what systemd and its kin tell a daemon and want to be told: sd_notify(3), the watchdog,
 * and sockets that were opened beforehand (sd_listen_fds(3)). Without them it does nothing. */
#ifndef AUTHBRIDGE_SERVICE_H
#define AUTHBRIDGE_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/un.h>

#include "address.h"
#include "clock.h"

#define SERVICE_FIRST_FD      3   /* inherited sockets follow one another from here */
#define SERVICE_SOCKETS_MAX   64u /* as many as listen takes */
#define SERVICE_PROBLEM_BYTES 512u
#define SERVICE_STATUS_BYTES  800u

struct service {
    struct sockaddr_un manager; /* whom to tell */
    socklen_t manager_len;      /* 0: nobody wants to know */
    long long watchdog_ms;      /* between two signs of life; 0: none are wanted */
    long long alive_due_ms, status_due_ms;
    unsigned long long requests; /* at the last status, to tell a rate */
    long long requests_ms;
    bool stopping;
    char problem[SERVICE_PROBLEM_BYTES]; /* of a reload: the status says it from then on */
    char status[SERVICE_STATUS_BYTES];   /* as it was told last */

    struct address sockets[SERVICE_SOCKETS_MAX]; /* where the inherited ones listen */
    size_t socket_count;
};

/* How much there is to do, for the status. */
struct service_load {
    size_t connections;
    long long connections_max;
    unsigned long long requests; /* since the start */
    const char *trouble;         /* what keeps it from doing its work at this time; NULL: nothing */
};

/* Reads the environment (NOTIFY_SOCKET, WATCHDOG_USEC, LISTEN_FDS) and takes it out of there, so
 * that no child acts on it. false, with problem filled, when an inherited descriptor is not a
 * listening stream socket; whom to tell is known then, too. */
bool service_init(struct service *service);

/* When service_tick has something to do: clock_now_ms, or CLOCK_NEVER. */
long long service_due(const struct service *service);

/* Tells what is due: that the accept loop goes round, and how much there is to do. */
void service_tick(struct service *service, const struct service_load *load);

/* Tells that connections are accepted: after the start, and after each reload, failed or not. */
void service_tell_ready(struct service *service, const struct service_load *load);
void service_tell_reloading(const struct service *service);

/* Tells that it stops, and that this may take so long. */
void service_tell_stopping(struct service *service, const struct service_load *load,
                           long long patience_ms);

/* Tells why it did not start. */
void service_tell_failure(const struct service *service, const char *problem);

/* Shows a problem in each status from now on; "" for none. */
void service_set_problem(struct service *service, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
