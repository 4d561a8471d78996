/* secret: a text that has a file of its own, such as a token. It is read once, and again when the
 * file changes, by every process for itself: each has its own copy, so that a child that was made
 * long ago uses the new one too. A file that cannot be used any more leaves no text behind. */
#ifndef AUTHBRIDGE_SECRET_H
#define AUTHBRIDGE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "slice.h"

#define SECRET_BYTES_MAX   ((size_t)64 * 1024)
#define SECRET_ERROR_BYTES 256u

struct secret;

/* Reads the file; one newline at its end does not count. NULL, with error filled and nothing to
 * free, when it cannot be read, is empty, too long, or not one line of text. */
struct secret *secret_open(const char *path, char error[SECRET_ERROR_BYTES]);
void secret_free(struct secret *secret);

/* The text; empty while the file cannot be used. Valid until the next secret_refresh. */
struct slice secret_text(const struct secret *secret);

/* Looks at the file, at most once a second while it can be used, and reads it again when it is
 * another or has changed; one that is being written at this moment is left for a little longer. now
 * is clock_now_ms(). NULL, or why there is no text; that has been logged then, at a rate limited
 * over all processes that have been forked since secret_open. What is not a regular file is read
 * only once. */
const char *secret_refresh(struct secret *secret, long long now);

/* For after a change of user: false when the file cannot be read by this process any more. What was
 * read is then kept, whatever becomes of the file. */
bool secret_keep_if_unreadable(struct secret *secret);
const char *secret_path(const struct secret *secret);

/* Whether a text can stand in a field value. false with error filled: source names the text, of
 * which before octets stand in front. */
bool secret_check_octets(struct slice text, const char *source, size_t before,
                         char error[SECRET_ERROR_BYTES]);

#endif
