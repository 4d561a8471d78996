/* followed_file: a file whose content is in use, and is read again when the file changes. */
#include "followed_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "file_stamp.h"
#include "log.h"
#include "privileges.h"

#define LOOK_MS       1000  /* between two looks at a file that can be used */
#define SETTLE_MS     100   /* since its last change, until a file counts as written */
#define SETTLE_MAX_MS 700   /* how long it is waited for that */
#define LOG_MS        10000 /* between two messages that it still cannot be used */

/* What all processes that use the file know, so that one of them logs. */
struct common {
    _Atomic bool failing;
    _Atomic long long logged_ms;
    _Atomic long long logged_change; /* of the file's last change that was logged */
};

struct followed_file {
    char *path;
    const struct followed_kind *kind;
    void *owner;
    struct file_stamp stamp; /* as it was read; all zero: to be read again in any case */
    bool watched;
    long long due_ms;       /* nothing is looked at before */
    long long unsettled_ms; /* since when the file is found being written; 0: it is not */
    bool usable;
    bool is_new; /* the content is not what it was before it was read last */
    char error[FOLLOWED_FILE_ERROR_BYTES]; /* why it is not usable */
    struct common *common;
};

/* ---- reading ---- */

static long long nanoseconds(struct timespec time)
{
    return (long long)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* Reads at most cap bytes; the number read, or -1 with errno. */
static ssize_t read_whole(int fd, char *content, size_t cap)
{
    size_t len = 0;
    ssize_t got = -1;

    while (len < cap && (got = read(fd, content + len, cap - len)) > 0)
        len += (size_t)got;
    return got < 0 ? -1 : (ssize_t)len;
}

static bool fail_to_read(struct followed_file *file)
{
    snprintf(file->error, sizeof file->error, "cannot read %.150s: %s%s", file->path,
             strerror(errno), privileges_advice(errno));
    return false;
}

/* Has the owner take over what the open file holds, by way of memory that is wiped then. false with
 * file->error filled. */
static bool take_content(struct followed_file *file, int fd)
{
    const struct followed_kind *kind = file->kind;
    char *content = malloc(kind->bytes);
    bool taken;

    if (content == NULL) {
        snprintf(file->error, sizeof file->error, "out of memory");
        return false;
    }
    ssize_t len = read_whole(fd, content, kind->bytes);
    if (len < 0)
        taken = fail_to_read(file);
    else
        taken = kind->take(file->owner, file->path, (struct slice){content, (size_t)len},
                           &file->is_new, file->error);
    explicit_bzero(content, kind->bytes);
    free(content);
    return taken;
}

static int may_not_wait; /* O_NONBLOCK once nobody may be kept waiting */

void followed_file_never_wait(void)
{
    may_not_wait = O_NONBLOCK;
}

static bool read_file(struct followed_file *file, int flags)
{
    int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | flags);
    struct stat status;

    if (fd < 0 || fstat(fd, &status) != 0) {
        fail_to_read(file);
        if (fd >= 0)
            close(fd);
        return false;
    }
    file->usable = take_content(file, fd);
    close(fd);
    file->watched = S_ISREG(status.st_mode);
    file->stamp = file_stamp_of(&status);
    if (file_stamp_is_fresh(&file->stamp, SETTLE_MS))
        file->stamp = (struct file_stamp){0};
    return file->usable;
}

/* ---- the whole ---- */

struct followed_file *followed_file_open(const char *path, const struct followed_kind *kind,
                                         void *owner, char error[FOLLOWED_FILE_ERROR_BYTES])
{
    struct followed_file *file = calloc(1, sizeof *file);
    void *common =
        mmap(NULL, sizeof *file->common, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    snprintf(error, FOLLOWED_FILE_ERROR_BYTES, "out of memory");
    if (file != NULL) {
        file->common = common != MAP_FAILED ? common : NULL;
        file->path = strdup(path);
        file->kind = kind;
        file->owner = owner;
    } else if (common != MAP_FAILED) {
        munmap(common, sizeof *file->common);
    }
    if (file == NULL || file->path == NULL || file->common == NULL) {
        followed_file_free(file);
        return NULL;
    }
    if (read_file(file, may_not_wait))
        return file;
    memcpy(error, file->error, sizeof file->error);
    followed_file_free(file);
    return NULL;
}

void followed_file_free(struct followed_file *file)
{
    if (file == NULL)
        return;
    if (file->common != NULL)
        munmap(file->common, sizeof *file->common);
    free(file->path);
    free(file);
}

const char *followed_file_path(const struct followed_file *file)
{
    return file->path;
}

bool followed_file_keep_if_unreadable(struct followed_file *file)
{
    if (!file->watched || access(file->path, R_OK) == 0)
        return true;
    file->watched = false;
    return false;
}

static void report_failure(struct followed_file *file, long long now)
{
    struct common *common = file->common;
    long long last = atomic_load(&common->logged_ms);
    bool is_new = !atomic_exchange(&common->failing, true);

    if ((is_new || now - last >= LOG_MS) &&
        atomic_compare_exchange_strong(&common->logged_ms, &last, now))
        log_error("%s: %s until that is put right", file->error, file->kind->consequence);
}

static void report_success(const struct followed_file *file, const struct stat *status)
{
    struct common *common = file->common;
    long long change = nanoseconds(status->st_mtim) ^ (long long)status->st_ino;

    bool is_new = atomic_exchange(&common->logged_change, change) != change;
    if (atomic_exchange(&common->failing, false))
        log_info("%s can be used again", file->path);
    else if (is_new)
        log_info("%s has changed, and is in use", file->path);
}

/* Whether a changed file is left alone for now: it may be half written. */
static bool is_left(struct followed_file *file, const struct file_stamp *stamp, long long now)
{
    if (!file->usable || !file_stamp_is_fresh(stamp, SETTLE_MS))
        return false;
    if (file->unsettled_ms == 0)
        file->unsettled_ms = now;
    return now - file->unsettled_ms < SETTLE_MAX_MS;
}

/* Reads the file again unless it is what it was. false when it cannot be used. */
static bool look_again(struct followed_file *file, long long now)
{
    struct stat status;

    if (stat(file->path, &status) != 0)
        return fail_to_read(file);
    if (!S_ISREG(status.st_mode)) {
        snprintf(file->error, sizeof file->error, "%.150s is not a file", file->path);
        return false;
    }
    struct file_stamp stamp = file_stamp_of(&status);
    if (file->usable && file_stamp_equals(&stamp, &file->stamp))
        return true;
    if (is_left(file, &stamp, now)) {
        file->due_ms = now + SETTLE_MS;
        return true;
    }
    file->unsettled_ms = 0;
    if (!read_file(file, O_NONBLOCK))
        return false;
    if (file->is_new)
        report_success(file, &status);
    return true;
}

const char *followed_file_refresh(struct followed_file *file, long long now)
{
    if (!file->watched || now < file->due_ms)
        return file->usable ? NULL : file->error;
    file->due_ms = now + LOOK_MS;
    if (look_again(file, now))
        return NULL;
    file->usable = false;
    file->watched = true; /* it was; a fault does not end that */
    file->due_ms = now;   /* nothing else is done meanwhile: each request may try again */
    file->kind->forget(file->owner);
    report_failure(file, now);
    return file->error;
}
