/* faulty: preloaded into the daemon, it makes system calls fail that no test can make fail from
 * outside. CONNECT_ERRNO: how every connect(2) to an IPv4 address ends. RESOLVE_SECONDS: how long
 * every look-up of a name takes. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static int number_of(const char *variable)
{
    const char *text = getenv(variable);

    return text != NULL ? (int)strtol(text, NULL, 10) : 0;
}

int connect(int fd, const struct sockaddr *address, socklen_t len)
{
    int (*next)(int, const struct sockaddr *, socklen_t) =
        (int (*)(int, const struct sockaddr *, socklen_t))dlsym(RTLD_NEXT, "connect");

    errno = number_of("CONNECT_ERRNO");
    return errno != 0 && address->sa_family == AF_INET ? -1 : next(fd, address, len);
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **found)
{
    int (*next)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
        (int (*)(const char *, const char *, const struct addrinfo *, struct addrinfo **))dlsym(
            RTLD_NEXT, "getaddrinfo");

    sleep((unsigned)number_of("RESOLVE_SECONDS"));
    return next(node, service, hints, found);
}
