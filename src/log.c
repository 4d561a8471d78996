/* log: messages to stderr and access lines to stdout, one write(2) each. */
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

/* ---- access lines ---- */

/* Appends the octets, what could spoil a line or a quotation as \xHH; "..." where the text would
 * grow over max bytes. */
static void add_escaped(struct buffer *line, struct slice octets, size_t max)
{
    size_t end = line->end + max;
    char escape[5];

    for (size_t i = 0; i < octets.len; i++) {
        unsigned char c = (unsigned char)octets.at[i];
        if (line->end + sizeof escape > end) {
            buffer_add_text(line, "...");
            return;
        }
        if (c > 0x20 && c < 0x7F && c != '"' && c != '\\') {
            buffer_add(line, (struct slice){octets.at + i, 1});
        } else {
            snprintf(escape, sizeof escape, "\\x%02X", c);
            buffer_add_text(line, escape);
        }
    }
}

static void add_milliseconds(struct buffer *line, const char *name, long long us)
{
    char text[48];

    if (us < 0)
        snprintf(text, sizeof text, " %s=-", name);
    else
        snprintf(text, sizeof text, " %s=%lld.%lldms", name, us / 1000, us % 1000 / 100);
    buffer_add_text(line, text);
}

static void add_request_line(struct buffer *line, const struct log_exchange *exchange)
{
    if (exchange->method.len == 0) {
        buffer_add_text(line, " \"-\" ");
        return;
    }
    buffer_add_text(line, " \"");
    add_escaped(line, exchange->method, LOG_METHOD_BYTES_MAX);
    buffer_add_text(line, " ");
    add_escaped(line, exchange->target, LOG_TARGET_BYTES_MAX);
    buffer_add_text(line, exchange->minor > 0 ? " HTTP/1.1\" " : " HTTP/1.0\" ");
}

void log_access(const struct log_exchange *exchange)
{
    char space[LOG_LINE_BYTES_MAX];
    char stamp[CLOCK_STAMP_BYTES];
    struct buffer line = {.at = space, .cap = sizeof space};

    if (!stdout_is_journal) { /* the journal has its own time stamps */
        clock_format_stamp(stamp);
        buffer_add_text(&line, stamp);
        buffer_add_text(&line, " ");
    }
    buffer_add_text(&line, exchange->client);
    add_request_line(&line, exchange);
    if (exchange->status > 0)
        buffer_add_decimal(&line, exchange->status);
    else
        buffer_add_text(&line, "-");
    buffer_add_text(&line, " in=");
    buffer_add_decimal(&line, exchange->bytes_in);
    buffer_add_text(&line, " out=");
    buffer_add_decimal(&line, exchange->bytes_out);
    add_milliseconds(&line, "total", exchange->total_us);
    add_milliseconds(&line, "upstream", exchange->upstream_us);
    buffer_add_text(&line, " id=");
    buffer_add_text(&line, exchange->request_id);
    if (exchange->error != NULL) {
        buffer_add_text(&line, " error=");
        buffer_add_text(&line, exchange->error);
    }
    buffer_add_text(&line, "\n");
    write_line(STDOUT_FILENO, line.at, line.end);
}
