/* access_log: one line for each exchange, on standard output, in one of three formats. Octets from
 * the network are escaped, and cut so that a line is one write; of a request's fields only Referer
 * and User-Agent come here, as the client sent them. */
#ifndef AUTHBRIDGE_ACCESS_LOG_H
#define AUTHBRIDGE_ACCESS_LOG_H

#include <stdbool.h>

#include "config.h"
#include "slice.h"

/* How much of each stands in a line; what is longer ends in "...". */
#define ACCESS_TARGET_BYTES_MAX  3000u /* in a text line; elsewhere fields stand beside it */
#define ACCESS_TARGET_BYTES      2000u
#define ACCESS_REFERER_BYTES_MAX 700u
#define ACCESS_AGENT_BYTES_MAX   400u
#define ACCESS_METHOD_BYTES_MAX  64u
#define ACCESS_USER_BYTES_MAX    200u

/* One exchange, as its access line tells it. */
struct access_exchange {
    const char *client;      /* with the port */
    const char *client_host; /* without */
    unsigned client_port;    /* 0 for a Unix socket */
    struct slice method;     /* empty: no request line could be read */
    struct slice target;
    struct slice fields; /* field lines of the request's head, validated */
    unsigned minor;
    unsigned status;              /* 0: no answer was sent */
    unsigned long long bytes_in;  /* request content received */
    unsigned long long bytes_out; /* response content sent */
    long long total_us;
    long long upstream_us; /* until the target's response head; -1 when there was none */
    const char *request_id;
    const char *route; /* its name; NULL for none, or the one of [proxy] */
    struct slice user; /* who signed in; empty: nobody */
    const char *error; /* RFC 9209 error type, or NULL */
};

/* with_query: whether what follows a ? in the target, and in Referer, is written. */
void access_log_write(const struct access_exchange *exchange, enum config_format format,
                      bool with_query);

#endif
