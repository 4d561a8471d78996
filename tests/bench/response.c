/* response: what the benchmark's clients ask, and whether the answer is right. */
#include "response.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "loopback.h"

size_t request_write(char head[REQUEST_BYTES_MAX], const char *method, const char *path,
                     char *const *fields, int count)
{
    int len = snprintf(head, REQUEST_BYTES_MAX, "%s %s HTTP/1.1\r\n", method, path);

    for (int i = 0; i <= count && len < REQUEST_BYTES_MAX; i++)
        len += snprintf(head + len, REQUEST_BYTES_MAX - (size_t)len, "%s\r\n",
                        i < count ? fields[i] : "");
    if (len >= REQUEST_BYTES_MAX) {
        errno = E2BIG;
        loopback_fail("the request head");
    }
    return (size_t)len;
}

/* Reads more; 0 at the end or when it fails. */
static size_t receive(int fd, char *at, size_t cap)
{
    ssize_t got;

    do
        got = recv(fd, at, cap, 0);
    while (got < 0 && errno == EINTR);
    return got > 0 ? (size_t)got : 0;
}

/* Reads until the whole head is there; says where its end is. *got counts the octets read. */
static const char *read_head(int fd, char *space, size_t cap, size_t *got)
{
    *got = 0;
    while (*got < cap - 1) {
        size_t more = receive(fd, space + *got, cap - 1 - *got);
        if (more == 0)
            return NULL;
        *got += more;
        space[*got] = '\0';
        char *end = strstr(space, "\r\n\r\n");
        if (end != NULL)
            return end + 4;
    }
    return NULL;
}

static bool read_length(const char *head, const char *end, unsigned long long *length)
{
    static const char name[] = "\r\nContent-Length:";
    const char *field = strcasestr(head, name);

    if (strncmp(head, "HTTP/1.1 200 ", 13) != 0 || field == NULL || field >= end)
        return false;
    *length = strtoull(field + sizeof name - 1, NULL, 10);
    return true;
}

bool response_read(int fd, char *space, size_t cap, struct response *response)
{
    size_t got;
    const char *content = read_head(fd, space, cap, &got);

    if (content == NULL || !read_length(space, content, &response->length))
        return false;
    response->content = content;
    unsigned long long have = (unsigned long long)(space + got - content);
    while (have < response->length) {
        unsigned long long left = response->length - have;
        size_t more = receive(fd, space, left < cap ? (size_t)left : cap);
        if (more == 0)
            return false;
        response->content = space;
        have += more;
    }
    return have == response->length;
}
