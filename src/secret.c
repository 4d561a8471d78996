/* secret: a text in a file of its own, read again when the file changes. */
#include "secret.h"

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
#include "http_field.h"
#include "log.h"
#include "privileges.h"

#define LOOK_MS       1000  /* between two looks at a file that can be used */
#define SETTLE_MS     100   /* since its last change, until a file counts as written */
#define SETTLE_MAX_MS 700   /* how long it is waited for that */
#define LOG_MS        10000 /* between two messages that it still cannot be used */
#define READ_BYTES    (SECRET_BYTES_MAX + 3) /* of full size, its CRLF, and one too many */

/* What all processes that use the secret know, so that one of them logs. */
struct common {
    _Atomic bool failing;
    _Atomic long long logged_ms;
    _Atomic long long logged_change; /* of the file's last change that was logged */
};

struct secret {
    char *path;
    char *text;
    size_t len;
    struct file_stamp stamp; /* as it was read; all zero: to be read again in any case */
    bool watched;
    long long due_ms;       /* nothing is looked at before */
    long long unsettled_ms; /* since when the file is found being written; 0: it is not */
    bool usable;
    bool is_new;                    /* the text is not what it was before it was read last */
    char error[SECRET_ERROR_BYTES]; /* why it is not */
    struct common *common;
};

/* ---- texts ---- */

bool secret_check_octets(struct slice text, const char *source, size_t before,
                         char error[SECRET_ERROR_BYTES])
{
    for (size_t i = 0; i < text.len; i++) {
        if (http_is_content_octet(text.at[i]))
            continue;
        snprintf(error, SECRET_ERROR_BYTES,
                 "%.100s holds a control octet (0x%02x) at byte %zu; a header value must be one "
                 "line of text",
                 source, (unsigned)(unsigned char)text.at[i], before + i + 1);
        return false;
    }
    return true;
}

static struct slice drop_newline(struct slice text)
{
    if (text.len == 0 || text.at[text.len - 1] != '\n')
        return text;
    text.len--;
    if (text.len > 0 && text.at[text.len - 1] == '\r')
        text.len--;
    return text;
}

static bool check_text(struct slice text, const char *path, char error[SECRET_ERROR_BYTES])
{
    if (text.len == 0)
        snprintf(error, SECRET_ERROR_BYTES, "%.200s is empty", path);
    else if (text.len > SECRET_BYTES_MAX)
        snprintf(error, SECRET_ERROR_BYTES, "%.150s is longer than %zu bytes", path,
                 SECRET_BYTES_MAX);
    else
        return secret_check_octets(text, path, 0, error);
    return false;
}

static void forget_text(struct secret *secret)
{
    if (secret->text != NULL)
        explicit_bzero(secret->text, secret->len);
    free(secret->text);
    secret->text = NULL;
    secret->len = 0;
}

static bool set_text(struct secret *secret, struct slice text)
{
    char *copy = malloc(text.len + 1);

    if (copy == NULL) {
        snprintf(secret->error, sizeof secret->error, "out of memory");
        return false;
    }
    memcpy(copy, text.at, text.len);
    secret->is_new = !slice_equals(text, secret_text(secret));
    forget_text(secret);
    secret->text = copy;
    secret->len = text.len;
    return true;
}

/* ---- files ---- */

static long long nanoseconds(struct timespec time)
{
    return (long long)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* Reads at most READ_BYTES; the number read, or -1 with errno. */
static ssize_t read_whole(int fd, char content[READ_BYTES])
{
    size_t len = 0;
    ssize_t got = -1;

    while (len < READ_BYTES && (got = read(fd, content + len, READ_BYTES - len)) > 0)
        len += (size_t)got;
    return got < 0 ? -1 : (ssize_t)len;
}

static bool fail_to_read(struct secret *secret)
{
    snprintf(secret->error, sizeof secret->error, "cannot read %.150s: %s%s", secret->path,
             strerror(errno), privileges_advice(errno));
    return false;
}

/* Takes over what the open file holds. false with secret->error filled. */
static bool take_content(struct secret *secret, int fd)
{
    char content[READ_BYTES];
    struct stat status;

    if (fstat(fd, &status) != 0)
        return fail_to_read(secret);
    ssize_t len = read_whole(fd, content);
    if (len < 0)
        return fail_to_read(secret);
    struct slice text = drop_newline((struct slice){content, (size_t)len});
    bool taken = check_text(text, secret->path, secret->error) && set_text(secret, text);
    explicit_bzero(content, sizeof content);
    secret->watched = S_ISREG(status.st_mode);
    secret->stamp = file_stamp_of(&status);
    if (file_stamp_is_fresh(&secret->stamp, SETTLE_MS))
        secret->stamp = (struct file_stamp){0};
    return taken;
}

static int may_not_wait; /* O_NONBLOCK once nobody may be kept waiting */

void secret_never_wait(void)
{
    may_not_wait = O_NONBLOCK;
}

static bool read_file(struct secret *secret, int flags)
{
    int fd = open(secret->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | flags);

    if (fd < 0)
        return fail_to_read(secret);
    secret->usable = take_content(secret, fd);
    close(fd);
    return secret->usable;
}

/* ---- the whole ---- */

struct secret *secret_open(const char *path, char error[SECRET_ERROR_BYTES])
{
    struct secret *secret = calloc(1, sizeof *secret);
    void *common = mmap(NULL, sizeof *secret->common, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    snprintf(error, SECRET_ERROR_BYTES, "out of memory");
    if (secret != NULL) {
        secret->common = common != MAP_FAILED ? common : NULL;
        secret->path = strdup(path);
    } else if (common != MAP_FAILED) {
        munmap(common, sizeof *secret->common);
    }
    if (secret == NULL || secret->path == NULL || secret->common == NULL) {
        secret_free(secret);
        return NULL;
    }
    if (read_file(secret, may_not_wait))
        return secret;
    memcpy(error, secret->error, sizeof secret->error);
    secret_free(secret);
    return NULL;
}

void secret_free(struct secret *secret)
{
    if (secret == NULL)
        return;
    forget_text(secret);
    if (secret->common != NULL)
        munmap(secret->common, sizeof *secret->common);
    free(secret->path);
    free(secret);
}

struct slice secret_text(const struct secret *secret)
{
    return (struct slice){secret->text, secret->len};
}

const char *secret_path(const struct secret *secret)
{
    return secret->path;
}

bool secret_keep_if_unreadable(struct secret *secret)
{
    if (!secret->watched || access(secret->path, R_OK) == 0)
        return true;
    secret->watched = false;
    return false;
}

static void report_failure(struct secret *secret, long long now)
{
    struct common *common = secret->common;
    long long last = atomic_load(&common->logged_ms);
    bool is_new = !atomic_exchange(&common->failing, true);

    if ((is_new || now - last >= LOG_MS) &&
        atomic_compare_exchange_strong(&common->logged_ms, &last, now))
        log_error("%s: requests are answered with 502 until that is put right", secret->error);
}

static void report_success(const struct secret *secret, const struct stat *status)
{
    struct common *common = secret->common;
    long long change = nanoseconds(status->st_mtim) ^ (long long)status->st_ino;

    bool is_new = atomic_exchange(&common->logged_change, change) != change;
    if (atomic_exchange(&common->failing, false))
        log_info("%s can be used again", secret->path);
    else if (is_new)
        log_info("%s has changed, and is in use", secret->path);
}

/* Whether a changed file is left alone for now: it may be half written. */
static bool is_left(struct secret *secret, const struct file_stamp *stamp, long long now)
{
    if (!secret->usable || !file_stamp_is_fresh(stamp, SETTLE_MS))
        return false;
    if (secret->unsettled_ms == 0)
        secret->unsettled_ms = now;
    return now - secret->unsettled_ms < SETTLE_MAX_MS;
}

/* Reads the file again unless it is what it was. false when it cannot be used. */
static bool look_again(struct secret *secret, long long now)
{
    struct stat status;

    if (stat(secret->path, &status) != 0)
        return fail_to_read(secret);
    if (!S_ISREG(status.st_mode)) {
        snprintf(secret->error, sizeof secret->error, "%.150s is not a file", secret->path);
        return false;
    }
    struct file_stamp stamp = file_stamp_of(&status);
    if (secret->usable && file_stamp_equals(&stamp, &secret->stamp))
        return true;
    if (is_left(secret, &stamp, now)) {
        secret->due_ms = now + SETTLE_MS;
        return true;
    }
    secret->unsettled_ms = 0;
    if (!read_file(secret, O_NONBLOCK))
        return false;
    if (secret->is_new)
        report_success(secret, &status);
    return true;
}

const char *secret_refresh(struct secret *secret, long long now)
{
    if (!secret->watched || now < secret->due_ms)
        return secret->usable ? NULL : secret->error;
    secret->due_ms = now + LOOK_MS;
    if (look_again(secret, now))
        return NULL;
    secret->usable = false;
    secret->watched = true; /* it was; a fault does not end that */
    secret->due_ms = now;   /* nothing else is done meanwhile: each request may try again */
    forget_text(secret);
    report_failure(secret, now);
    return secret->error;
}
