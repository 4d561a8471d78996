/* answer: the bridge's own answers: small text/plain responses with a Proxy-Status field that
 * names the cause (RFC 9209). Pure: writes into a buffer. */
#ifndef AUTHBRIDGE_ANSWER_H
#define AUTHBRIDGE_ANSWER_H

#include <stdbool.h>

#include "buffer.h"
#include "fault.h"

#define ANSWER_BYTES_MAX     ((size_t)2048)
#define ANSWER_RETRY_AFTER_S "1"

/* The reason phrase of a status that the bridge gives itself. */
const char *answer_reason(unsigned status);

/* Appends the beginning of a head: status line, Date, Connection where one is needed. Further
 * fields and the empty line are the caller's. */
void answer_begin(unsigned status, bool close, bool keep_alive_1_0, struct buffer *out);

/* Appends the answer to a request that failed; without content when it was a HEAD request, with
 * Connection: close or, for a 1.0 client that stays, keep-alive. */
void answer_fault(const struct fault *fault, bool is_head, bool close, bool keep_alive_1_0,
                  struct buffer *out);

/* Puts field lines into an answer, behind its status line. */
void answer_insert(struct buffer *answer, struct slice fields);

/* Appends the answer to OPTIONS with Max-Forwards: 0 (RFC 9110 7.6.2), or for the bridge itself;
 * allow lists the methods that are served. */
void answer_options(const char *allow, bool close, bool keep_alive_1_0, struct buffer *out);

#endif
