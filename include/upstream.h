/* upstream: the connection to a target: a libcurl handle in CONNECT_ONLY mode, which resolves,
 * connects and verifies; the messages on it are ours. One connection at a time. */
#ifndef AUTHBRIDGE_UPSTREAM_H
#define AUTHBRIDGE_UPSTREAM_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "fault.h"
#include "resolve.h"
#include "trust.h"
#include "upstream_tls.h"
#include "wait.h"

struct upstream {
    const struct config *config;
    const struct target *target;
    size_t target_index;
    const struct trust *trust;
    CURLM *multi;
    CURL *handle;
    struct curl_slist *connect_to;
    struct resolve resolve;
    bool is_ready;           /* all is set as configured: without that nothing is connected */
    int fd;                  /* -1 when there is no connection */
    struct upstream_tls tls; /* its TLS, where that is OpenSSL's */
    bool connecting;         /* one is being made, by connecting ahead */
    bool reused;             /* the connection has been idle: the target may be closing it */
    bool is_bound;      /* a client's own credentials went over it: it may be that client's alone */
    bool is_direct;     /* its octets need no libcurl: TLS is OpenSSL's, or there is no TLS nor an
                           outgoing proxy */
    bool waits;         /* the next receive may wait for a moment; where that is possible */
    bool pending;       /* octets may wait in a library or the kernel: receive before polling */
    long long began_us; /* when the last connection was begun */
    bool reset; /* a send found the connection broken, and no end of the target's before that */
    int64_t certificate_expires; /* of the target, in seconds since 1970; 0: none was seen */
    char error[CURL_ERROR_SIZE];
};

/* Makes libcurl ready in this process, once and before all else; for TLS, if told so. */
bool upstream_init_process(bool has_tls);

/* Gets ready to connect to the route's target. false, as is_ready says from then on, when that
 * fails: nothing can be sent then. The upstream must stay where it is. */
bool upstream_init(struct upstream *upstream, const struct config_route *route,
                   const struct trust *trust);

/* Ends the connection, and gives all that it was set up with back. */
void upstream_free(struct upstream *upstream);

/* Whether libcurl's TLS is OpenSSL's, as it must be to take our store. */
bool upstream_has_openssl(void);

enum upstream_outcome {
    UPSTREAM_CONNECTED,
    UPSTREAM_CLIENT_GONE, /* client_fd was closed meanwhile */
    UPSTREAM_INTERRUPTED, /* something else is to be done first */
    UPSTREAM_UNREACHABLE, /* *fault says why: 502, 503 or 504 */
};

/* Opens a connection for a request, within the connect time-out; where one is being made already,
 * it is taken, and only when that fails a new one is tried. */
enum upstream_outcome upstream_connect(struct upstream *upstream, int client_fd,
                                       struct fault *fault);

/* Opens a connection for a client that has not come yet. UPSTREAM_INTERRUPTED when wake_fd becomes
 * readable: the next call of either kind goes on. */
enum upstream_outcome upstream_connect_ahead(struct upstream *upstream, int wake_fd,
                                             struct fault *fault);

/* Whether its peer has another address now: a request is to go there. */
bool upstream_has_moved(const struct upstream *upstream);

/* Whether an idle connection can take a request: nothing has come on it. Drops it otherwise. */
bool upstream_check_idle(struct upstream *upstream);

/* Ends the connection, if there is one. */
void upstream_drop(struct upstream *upstream);

/* The same by a reset: what was sent so far is not whole. */
void upstream_abort(struct upstream *upstream);

/* Move octets; *moved says how many. After IO_FAILED, upstream->error says why. */
enum io_result upstream_receive(struct upstream *upstream, char *at, size_t cap, size_t *moved);
enum io_result upstream_send(struct upstream *upstream, struct slice octets, size_t *moved);

/* Ends our direction; with TLS by a close_notify alert. IO_AGAIN: the socket is full, call it again
 * when it takes octets; IO_FAILED: the connection is broken. */
enum io_result upstream_end_sending(struct upstream *upstream);

#endif
