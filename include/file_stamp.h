/* file_stamp: which file stands at a path, and in which state: to see that it has changed. */
#ifndef AUTHBRIDGE_FILE_STAMP_H
#define AUTHBRIDGE_FILE_STAMP_H

#include <stdbool.h>
#include <sys/stat.h>
#include <time.h>

/* All zero: no file. */
struct file_stamp {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified, changed;
};

struct file_stamp file_stamp_of(const struct stat *status);
bool file_stamp_equals(const struct file_stamp *a, const struct file_stamp *b);

/* Whether the file's content was changed within the last span_ms, so that more may follow, even
 * within one tick of the clock that stamps it. */
bool file_stamp_is_fresh(const struct file_stamp *stamp, long long span_ms);

#endif
