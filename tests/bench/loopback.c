/* loopback: TCP on 127.0.0.1 for the benchmark's helpers. */
#include "loopback.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 1024

_Noreturn void loopback_fail(const char *what)
{
    fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(errno));
    exit(1);
}

unsigned long long loopback_number(const char *text, unsigned long long max)
{
    char *end;

    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (errno == 0 && (end == text || *end != '\0' || number == 0 || number > max))
        errno = EINVAL;
    if (errno != 0)
        loopback_fail(text);
    return number;
}

unsigned short loopback_port(const char *text)
{
    return (unsigned short)loopback_number(text, UINT16_MAX);
}

static struct sockaddr_in address_of(unsigned host, unsigned short port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl((INADDR_LOOPBACK & ~0xFFu) | host),
    };
}

static void set_option(int fd, int level, int option)
{
    const int on = 1;

    if (setsockopt(fd, level, option, &on, sizeof on) != 0)
        loopback_fail("setsockopt");
}

int loopback_listen(unsigned short port)
{
    struct sockaddr_in address = address_of(1, port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        loopback_fail("socket");
    set_option(fd, SOL_SOCKET, SO_REUSEADDR);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, BACKLOG) != 0)
        loopback_fail("listen");
    return fd;
}

int loopback_accept(int listener)
{
    int fd;

    do
        fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
    if (fd < 0)
        loopback_fail("accept");
    set_option(fd, IPPROTO_TCP, TCP_NODELAY);
    return fd;
}

int loopback_connect(unsigned short port, unsigned source)
{
    struct sockaddr_in from = address_of(source, 0);
    struct sockaddr_in to = address_of(1, port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    set_option(fd, IPPROTO_TCP, TCP_NODELAY);
    set_option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT);
    if (bind(fd, (struct sockaddr *)&from, sizeof from) == 0 &&
        connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
        return fd;
    close(fd);
    return -1;
}

bool loopback_send(int fd, const char *at, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(fd, at, len, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return false;
        at += sent;
        len -= (size_t)sent;
    }
    return true;
}
