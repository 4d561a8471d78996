/* listener: the sockets that clients connect to. */
#include "listener.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "log.h"

static const struct sockaddr *name_of(const struct address *address)
{
    return (const struct sockaddr *)&address->storage;
}

static const char *path_of(const struct address *address)
{
    return ((const struct sockaddr_un *)&address->storage)->sun_path;
}

/* What accepted sockets inherit: no delay, and probes that find a client whose machine has gone
 * within two minutes. IPv6 is IPv6 alone, so that 0.0.0.0 and [::] can both
 * be listened on. */
static void set_options(int fd, int family)
{
    const int on = 1;
    const int idle_s = 60;
    const int interval_s = 10;
    const int probes = 6;

    if (family == AF_UNIX)
        return;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof interval_s);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
    if (family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
}

static bool is_socket(const char *path)
{
    struct stat status;

    return lstat(path, &status) == 0 && S_ISSOCK(status.st_mode);
}

/* Removes a Unix socket that nobody listens on any more; never another kind of file. */
static bool remove_stale(const struct address *address)
{
    if (!is_socket(path_of(address)))
        return false;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool refused =
        fd >= 0 && connect(fd, name_of(address), address->len) < 0 && errno == ECONNREFUSED;
    if (fd >= 0)
        close(fd);
    return refused && unlink(path_of(address)) == 0;
}

static bool bind_to(int fd, const struct address *address)
{
    if (bind(fd, name_of(address), address->len) == 0)
        return true;
    int error = errno;
    if (error == EADDRINUSE && address_is_unix(address) && remove_stale(address) &&
        bind(fd, name_of(address), address->len) == 0)
        return true;
    errno = error;
    return false;
}

/* Whether a Unix socket's file is still the one that the listener made. */
static bool owns_file(const struct listener *listener)
{
    struct stat status;

    return lstat(path_of(&listener->address), &status) == 0 && status.st_dev == listener->device &&
           status.st_ino == listener->inode;
}

/* Lets every user connect, so that the directory's mode decides, and notes which file it is. */
static void take_file(struct listener *listener)
{
    struct stat status;

    (void)chmod(path_of(&listener->address), 0666);
    if (lstat(path_of(&listener->address), &status) == 0) {
        listener->device = status.st_dev;
        listener->inode = status.st_ino;
    }
}

static const char *way_out(const struct address *address, int error)
{
    switch (error) {
    case EADDRINUSE:
        if (address_is_unix(address) && !is_socket(path_of(address)))
            return "; the file there is not a socket: remove it, or choose another path";
        return "; another program uses it, or this bridge under another address: stop that one, or "
               "choose another address with listen";
    case EACCES:
        return "; ports below 1024 and foreign directories need privileges: choose another address";
    case EADDRNOTAVAIL:
        return "; no interface of this machine has that address";
    default:
        return "";
    }
}

bool listener_open(struct listener *listener, char error_text[LISTENER_ERROR_BYTES])
{
    char text[ADDRESS_TEXT_BYTES];
    const struct address *address = &listener->address;
    int family = address->storage.ss_family;

    listener->fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener->fd >= 0)
        set_options(listener->fd, family);
    if (listener->fd >= 0 && bind_to(listener->fd, address)) {
        if (address_is_unix(address))
            take_file(listener);
        if (listen(listener->fd, SOMAXCONN) == 0)
            return true;
    }
    int error = errno;
    address_format(address, text);
    snprintf(error_text, LISTENER_ERROR_BYTES, "cannot listen on %s: %s%s", text, strerror(error),
             way_out(address, error));
    if (listener->fd >= 0)
        close(listener->fd);
    return false;
}

void listener_format(const struct listener *listener, char text[ADDRESS_TEXT_BYTES])
{
    struct address bound = {.len = sizeof bound.storage};

    if (getsockname(listener->fd, (struct sockaddr *)&bound.storage, &bound.len) != 0)
        bound = listener->address;
    address_format(&bound, text);
}

static void announce(const struct listener *listener)
{
    char text[ADDRESS_TEXT_BYTES];

    listener_format(listener, text);
    log_info("listening on %s%s%s", text, listener->tls ? " with TLS" : "",
             listener->inherited ? " (inherited)" : "");
}

/* An inherited socket stays, to be listened on again after a reload. Any other is shut down first:
 * a child that has just been forked holds it for a moment yet. */
void listener_close(const struct listener *listener)
{
    if (listener->inherited)
        return;
    shutdown(listener->fd, SHUT_RDWR);
    close(listener->fd);
    if (address_is_unix(&listener->address) && owns_file(listener))
        unlink(path_of(&listener->address));
}

bool listener_is_at(const struct listener *listener, const struct address *address)
{
    return address_equals(&listener->address, address) &&
           (!address_is_unix(address) || owns_file(listener));
}

static const struct listener *find(const struct listeners *listeners, const struct address *address)
{
    for (size_t i = 0; i < listeners->inherited_count; i++)
        if (address_equals(&listeners->inherited[i].address, address))
            return &listeners->inherited[i];
    for (size_t i = 0; i < listeners->count; i++)
        if (listener_is_at(&listeners->items[i], address))
            return &listeners->items[i];
    return NULL;
}

static bool has_socket(const struct listeners *listeners, int fd)
{
    for (size_t i = 0; i < listeners->count; i++)
        if (listeners->items[i].fd == fd)
            return true;
    return false;
}

/* Closes those of one set that the other has not. */
static void close_others(const struct listeners *set, const struct listeners *other)
{
    for (size_t i = 0; i < set->count; i++)
        if (!has_socket(other, set->items[i].fd))
            listener_close(&set->items[i]);
}

static bool open_all(struct listeners *fresh, const struct listeners *old,
                     const struct config *config, char error[LISTENER_ERROR_BYTES])
{
    for (size_t i = 0; i < config->listen_count; i++) {
        struct listener listener = {.fd = -1, .address = config->listen[i].address};
        const struct listener *kept = find(old, &config->listen[i].address);
        if (kept != NULL)
            listener = *kept;
        else if (!listener_open(&listener, error))
            return false;
        listener.proxy_protocol = config->listen[i].proxy_protocol;
        listener.tls = config->listen[i].tls;
        fresh->items[fresh->count++] = listener;
    }
    return true;
}

bool listeners_inherit(struct listeners *listeners, int first_fd, const struct address *addresses,
                       size_t count)
{
    if (count == 0)
        return true;
    listeners->inherited = calloc(count, sizeof *listeners->inherited);
    if (listeners->inherited == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        listeners->inherited[i] =
            (struct listener){.fd = first_fd + (int)i, .address = addresses[i], .inherited = true};
        set_options(listeners->inherited[i].fd, addresses[i].storage.ss_family);
    }
    listeners->inherited_count = count;
    return true;
}

/* Inherited sockets that nobody listens on: whoever connects there waits for nothing. */
static void warn_of_unused(const struct listeners *listeners)
{
    char text[ADDRESS_TEXT_BYTES];

    for (size_t i = 0; i < listeners->inherited_count; i++) {
        if (has_socket(listeners, listeners->inherited[i].fd))
            continue;
        listener_format(&listeners->inherited[i], text);
        log_warning("the inherited socket %s is not served, for listen does not name it: its "
                    "clients wait in vain; add it to listen, or take it out of the .socket unit",
                    text);
    }
}

bool listeners_update(struct listeners *listeners, const struct config *config,
                      char error[LISTENER_ERROR_BYTES])
{
    struct listeners fresh = {.items = calloc(config->listen_count, sizeof *fresh.items),
                              .inherited = listeners->inherited,
                              .inherited_count = listeners->inherited_count};

    snprintf(error, LISTENER_ERROR_BYTES, "out of memory");
    if (fresh.items == NULL || !open_all(&fresh, listeners, config, error)) {
        close_others(&fresh, listeners);
        free(fresh.items);
        return false;
    }
    close_others(listeners, &fresh);
    for (size_t i = 0; i < fresh.count; i++)
        if (!has_socket(listeners, fresh.items[i].fd))
            announce(&fresh.items[i]);
    free(listeners->items);
    *listeners = fresh;
    warn_of_unused(listeners);
    return true;
}

void listeners_close(struct listeners *listeners)
{
    for (size_t i = 0; i < listeners->count; i++)
        listener_close(&listeners->items[i]);
    for (size_t i = 0; i < listeners->inherited_count; i++)
        close(listeners->inherited[i].fd);
    free(listeners->items);
    free(listeners->inherited);
    *listeners = (struct listeners){0};
}
