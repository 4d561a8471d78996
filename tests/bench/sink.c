/* sink: a target that reads what is uploaded and answers with the number of its octets.
 *
 * usage: sink PORT FIELD
 *
 * A request without that field line, in whatever case, is answered 401. One thread for each
 * connection. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loopback.h"

#define HEAD_BYTES_MAX 16384
#define LINE_BYTES_MAX 256
#define SPACE_BYTES    ((size_t)256 * 1024)

static const char *required_field;

/* What a connection has sent and nobody has looked at. */
struct input {
    int fd;
    size_t at, end;
    char space[SPACE_BYTES];
};

static struct input *input_make(int fd)
{
    struct input *input = malloc(sizeof *input);

    if (input != NULL) {
        input->fd = fd;
        input->at = input->end = 0;
    }
    return input;
}

static bool fill(struct input *input)
{
    ssize_t got;

    do
        got = recv(input->fd, input->space, sizeof input->space, 0);
    while (got < 0 && errno == EINTR);
    input->at = 0;
    input->end = got > 0 ? (size_t)got : 0;
    return got > 0;
}

/* Reads up to and with this end, as a string; false when the connection ends or the space does. */
static bool read_until(struct input *input, const char *mark, char *text, size_t cap)
{
    size_t len = 0;
    size_t mark_len = strlen(mark);

    while (len < cap - 1) {
        if (input->at == input->end && !fill(input))
            return false;
        text[len++] = input->space[input->at++];
        if (len >= mark_len && memcmp(text + len - mark_len, mark, mark_len) == 0) {
            text[len] = '\0';
            return true;
        }
    }
    return false;
}

static bool skip(struct input *input, unsigned long long len)
{
    while (len > 0) {
        if (input->at == input->end && !fill(input))
            return false;
        size_t have = input->end - input->at;
        size_t taken = len < have ? (size_t)len : have;
        input->at += taken;
        len -= taken;
    }
    return true;
}

static bool skip_chunks(struct input *input, unsigned long long *count)
{
    char line[LINE_BYTES_MAX];
    unsigned long long size;

    do {
        if (!read_until(input, "\r\n", line, sizeof line))
            return false;
        size = strtoull(line, NULL, 16);
        if (!skip(input, size) || !read_until(input, "\r\n", line, sizeof line))
            return false;
        *count += size;
    } while (size > 0);
    return true;
}

static bool skip_content(struct input *input, const char *head, unsigned long long *count)
{
    static const char length_name[] = "\r\nContent-Length:";
    const char *length = strcasestr(head, length_name);

    *count = 0;
    if (strcasestr(head, "\r\nTransfer-Encoding:") != NULL)
        return skip_chunks(input, count);
    if (length != NULL)
        *count = strtoull(length + sizeof length_name - 1, NULL, 10);
    return skip(input, *count);
}

static bool answer(int fd, bool is_right, unsigned long long count)
{
    char content[32];
    char message[256];
    int content_len = snprintf(content, sizeof content, "%llu\n", count);
    int len = snprintf(message, sizeof message,
                       "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s",
                       is_right ? "200 OK" : "401 Unauthorized", content_len, content);

    return loopback_send(fd, message, (size_t)len);
}

static void *serve(void *argument)
{
    struct input *input = argument;
    char head[HEAD_BYTES_MAX];
    unsigned long long count;

    while (read_until(input, "\r\n\r\n", head, sizeof head) && skip_content(input, head, &count))
        if (!answer(input->fd, strcasestr(head, required_field) != NULL, count))
            break;
    close(input->fd);
    free(input);
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: sink PORT FIELD\n");
        return 64;
    }
    required_field = argv[2];
    int listener = loopback_listen(loopback_port(argv[1]));
    for (;;) {
        pthread_t thread;
        struct input *input = input_make(loopback_accept(listener));
        if (input == NULL || pthread_create(&thread, NULL, serve, input) != 0)
            loopback_fail("a thread for a connection");
        pthread_detach(thread);
    }
}
