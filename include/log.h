/* log: messages to stderr, and lines to stdout, one write(2) each, so that lines of many processes
 * never mix. A line that cannot be written is given up. Octets from the network are escaped;
 * secrets never come here. */
#ifndef AUTHBRIDGE_LOG_H
#define AUTHBRIDGE_LOG_H

#include <stdbool.h>

#include "config.h"
#include "slice.h"

#define LOG_LINE_BYTES_MAX 4096u /* PIPE_BUF: one write to a pipe stays whole */

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

/* Writes a line to standard output, its newline included. */
void log_write_output(struct slice line);

/* Whether standard output goes to the journal. */
bool log_output_is_journal(void);

#endif
