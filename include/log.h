/* log: messages to stderr and access lines to stdout, one write(2) each, so that lines of many
 * processes never mix. Octets from the network are escaped; secrets never come here. */
#ifndef AUTHBRIDGE_LOG_H
#define AUTHBRIDGE_LOG_H

#include <stdbool.h>

#include "config.h"
#include "slice.h"

#define LOG_LINE_BYTES_MAX   4096u /* PIPE_BUF: one write to a pipe stays whole */
#define LOG_TARGET_BYTES_MAX 3000u /* of a request target, as an access line has it */
#define LOG_METHOD_BYTES_MAX 64u

/* Reads the environment for journald (JOURNAL_STREAM); messages up to that level are written. */
void log_init(enum config_level level);
void log_set_level(enum config_level level);

/* One message, without a newline at its end. */
__attribute__((format(printf, 1, 2))) void log_error(const char *format, ...);
__attribute__((format(printf, 1, 2))) void log_warning(const char *format, ...);
__attribute__((format(printf, 1, 2))) void log_info(const char *format, ...);
__attribute__((format(printf, 1, 2))) void log_debug(const char *format, ...);

/* The same, at most once per second for each counter given: *last_ms starts as 0. */
__attribute__((format(printf, 2, 3))) void log_warning_limited(long long *last_ms,
                                                               const char *format, ...);

/* One exchange, as its access line tells it. */
struct log_exchange {
    const char *client;
    struct slice method; /* empty: no request line could be read */
    struct slice target;
    unsigned minor;
    unsigned status;              /* 0: no answer was sent */
    unsigned long long bytes_in;  /* request content received */
    unsigned long long bytes_out; /* response content sent */
    long long total_us;
    long long upstream_us; /* until the target's response head; -1 when there was none */
    const char *request_id;
    const char *error; /* RFC 9209 error type, or NULL */
};

void log_access(const struct log_exchange *exchange);

#endif
