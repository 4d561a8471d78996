/* file_stamp: which file stands at a path, and in which state. */
#include "file_stamp.h"

struct file_stamp file_stamp_of(const struct stat *status)
{
    return (struct file_stamp){
        .device = status->st_dev,
        .inode = status->st_ino,
        .size = status->st_size,
        .modified = status->st_mtim,
        .changed = status->st_ctim,
    };
}

static long long nanoseconds(struct timespec time)
{
    return (long long)time.tv_sec * 1000000000 + time.tv_nsec;
}

bool file_stamp_equals(const struct file_stamp *a, const struct file_stamp *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           nanoseconds(a->modified) == nanoseconds(b->modified) &&
           nanoseconds(a->changed) == nanoseconds(b->changed);
}

bool file_stamp_is_fresh(const struct file_stamp *stamp, long long span_ms)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    long long age = nanoseconds(now) - nanoseconds(stamp->modified);
    return age > -span_ms * 1000000 && age < span_ms * 1000000;
}
