/* log: lines to stderr and stdout, one write(2) each. */
#include "log.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"

#define PATIENCE_MS 200 /* with whoever reads our lines */

static enum config_level level_shown = LEVEL_INFO;
static bool stderr_is_journal;
static bool stdout_is_journal;

/* ---- where lines go ---- */

/* systemd sets JOURNAL_STREAM to device:inode of the stream that it connected (systemd.exec(5)). */
static bool is_journal(int fd)
{
    const char *stream = getenv("JOURNAL_STREAM");
    char own[64];
    struct stat status;

    if (stream == NULL || fstat(fd, &status) != 0)
        return false;
    snprintf(own, sizeof own, "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
    return strcmp(stream, own) == 0;
}

void log_init(enum config_level level)
{
    level_shown = level;
    stderr_is_journal = is_journal(STDERR_FILENO);
    stdout_is_journal = is_journal(STDOUT_FILENO);
}

void log_set_level(enum config_level level)
{
    level_shown = level;
}

/* A line that cannot be written is given up: the bridge serves on when a disk is full, or when
 * nobody reads a pipe. A pipe that is ready takes a whole line. */
static void write_line(int fd, const char *line, size_t len)
{
    struct pollfd reader = {.fd = fd, .events = POLLOUT};
    ssize_t written;
    int ready;

    do
        ready = poll(&reader, 1, PATIENCE_MS);
    while (ready < 0 && errno == EINTR);
    if (ready <= 0)
        return;
    do
        written = write(fd, line, len);
    while (written < 0 && errno == EINTR);
}

/* ---- messages ---- */

static const struct {
    const char *word;
    int priority; /* syslog(3) */
} level_marks[] = {
    [LEVEL_ERROR] = {"error: ", 3},
    [LEVEL_WARNING] = {"warning: ", 4},
    [LEVEL_INFO] = {"", 6},
    [LEVEL_DEBUG] = {"debug: ", 7},
};

__attribute__((format(printf, 2, 0))) static void
write_message(enum config_level level, const char *format, va_list arguments)
{
    char line[LOG_LINE_BYTES_MAX];
    int saved = errno;
    int len = 0;

    if (level > level_shown)
        return;
    if (stderr_is_journal)
        len = snprintf(line, sizeof line, "<%d>%s", level_marks[level].priority,
                       level_marks[level].word);
    else
        len = snprintf(line, sizeof line, "authbridge: %s", level_marks[level].word);
    errno = saved;
    int text = vsnprintf(line + len, sizeof line - (size_t)len - 1, format, arguments);
    size_t total = strlen(line);
    if (text < 0)
        return;
    line[total++] = '\n';
    write_line(STDERR_FILENO, line, total);
    errno = saved;
}

#define WRITE_MESSAGE(level, format)                                                               \
    do {                                                                                           \
        va_list arguments;                                                                         \
        va_start(arguments, format);                                                               \
        write_message(level, format, arguments);                                                   \
        va_end(arguments);                                                                         \
    } while (0)

void log_error(const char *format, ...)
{
    WRITE_MESSAGE(LEVEL_ERROR, format);
}

void log_warning(const char *format, ...)
{
    WRITE_MESSAGE(LEVEL_WARNING, format);
}

void log_info(const char *format, ...)
{
    WRITE_MESSAGE(LEVEL_INFO, format);
}

void log_debug(const char *format, ...)
{
    WRITE_MESSAGE(LEVEL_DEBUG, format);
}

void log_warning_limited(long long *last_ms, const char *format, ...)
{
    long long now = clock_now_ms();

    if (*last_ms != 0 && now - *last_ms < 1000)
        return;
    *last_ms = now;
    WRITE_MESSAGE(LEVEL_WARNING, format);
}

/* ---- output ---- */

bool log_output_is_journal(void)
{
    return stdout_is_journal;
}

void log_write_output(struct slice line)
{
    write_line(STDOUT_FILENO, line.at, line.len);
}
