/* followed_file: a file whose content is in use, and is read again when the file changes, by every
 * process for itself: each has its own copy, so that a child that was made long ago uses the new
 * one too. What a file that cannot be used any more held before is forgotten. */
#ifndef AUTHBRIDGE_FOLLOWED_FILE_H
#define AUTHBRIDGE_FOLLOWED_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "slice.h"

#define FOLLOWED_FILE_ERROR_BYTES 256u

/* What is done with a file's content, for its owner. */
struct followed_kind {
    size_t bytes; /* that are read at most: one more than a good file may have */

    /* Takes the content over. *is_new: it is not what it was before. false with error filled. */
    bool (*take)(void *owner, const char *path, struct slice content, bool *is_new,
                 char error[FOLLOWED_FILE_ERROR_BYTES]);
    void (*forget)(void *owner);
    const char *consequence; /* of a file that cannot be used: "requests are answered with 502" */
};

struct followed_file;

/* From now on a file that is a pipe is not waited for: whoever opens one serves clients. */
void followed_file_never_wait(void);

/* Reads the file. NULL, with error filled and nothing to free, when it cannot be used. */
struct followed_file *followed_file_open(const char *path, const struct followed_kind *kind,
                                         void *owner, char error[FOLLOWED_FILE_ERROR_BYTES]);
void followed_file_free(struct followed_file *file);

/* Looks at the file, at most once a second while it can be used, and reads it again when it is
 * another or has changed; one that is being written at this moment is left for a little longer. now
 * is clock_now_ms(). NULL, or why it cannot be used; that has been logged then, at a rate limited
 * over all processes that have been forked since followed_file_open. What is not a regular file is
 * read only once. */
const char *followed_file_refresh(struct followed_file *file, long long now);

/* For after a change of user: false when the file cannot be read by this process any more. What was
 * read is then kept, whatever becomes of the file. */
bool followed_file_keep_if_unreadable(struct followed_file *file);
const char *followed_file_path(const struct followed_file *file);

#endif
