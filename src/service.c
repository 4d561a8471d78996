/* service: sd_notify, the watchdog and inherited sockets. */
#include "service.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "slice.h"

#define STATUS_MS     5000   /* between two messages about the load */
#define PATIENCE_US   200000 /* with a manager that takes no message */
#define MESSAGE_BYTES (SERVICE_STATUS_BYTES + 160u)

/* ---- the environment ---- */

static bool read_number(const char *name, unsigned long long max, unsigned long long *number)
{
    const char *text = getenv(name);

    return text != NULL && slice_to_number(slice_of(text), max, number);
}

/* Whether what stands in the environment is meant for this process: no pid means all. */
static bool is_for_us(const char *name, bool without)
{
    unsigned long long pid;

    if (getenv(name) == NULL)
        return without;
    return read_number(name, 0x7FFFFFFF, &pid) && pid == (unsigned long long)getpid();
}

static void read_manager(struct service *service)
{
    const char *path = getenv("NOTIFY_SOCKET");
    size_t len = path != NULL ? strlen(path) : 0;

    if (len < 2 || len >= sizeof service->manager.sun_path || (path[0] != '/' && path[0] != '@'))
        return;
    service->manager.sun_family = AF_UNIX;
    memcpy(service->manager.sun_path, path, len);
    if (path[0] == '@')
        service->manager.sun_path[0] = '\0'; /* the abstract name space, unix(7) */
    service->manager_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    service->status_due_ms = clock_now_ms() + STATUS_MS;
}

static void read_watchdog(struct service *service)
{
    unsigned long long us;

    if (service->manager_len == 0 || !is_for_us("WATCHDOG_PID", true) ||
        !read_number("WATCHDOG_USEC", 1ull << 50, &us) || us == 0)
        return;
    service->watchdog_ms = us / 2000 > 0 ? (long long)(us / 2000) : 1;
    service->alive_due_ms = clock_now_ms() + service->watchdog_ms;
}

static bool has_option(int fd, int option, int wanted)
{
    int value = 0;
    socklen_t len = sizeof value;

    return getsockopt(fd, SOL_SOCKET, option, &value, &len) == 0 && value == wanted;
}

/* Takes an inherited descriptor over. false when it is not a socket for us. */
static bool take_socket(int fd, struct address *address)
{
    *address = (struct address){.len = sizeof address->storage};
    if (!has_option(fd, SO_TYPE, SOCK_STREAM) || !has_option(fd, SO_ACCEPTCONN, 1) ||
        getsockname(fd, (struct sockaddr *)&address->storage, &address->len) != 0)
        return false;
    int family = address->storage.ss_family;
    return (family == AF_INET || family == AF_INET6 || family == AF_UNIX) &&
           fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0;
}

static bool read_sockets(struct service *service)
{
    unsigned long long count;

    if (!is_for_us("LISTEN_PID", false) || getenv("LISTEN_FDS") == NULL)
        return true;
    if (!read_number("LISTEN_FDS", SERVICE_SOCKETS_MAX, &count)) {
        service_set_problem(service, "LISTEN_FDS = %.20s: at most %u sockets can be inherited",
                            getenv("LISTEN_FDS"), SERVICE_SOCKETS_MAX);
        return false;
    }
    for (; service->socket_count < count; service->socket_count++) {
        int fd = SERVICE_FIRST_FD + (int)service->socket_count;
        if (take_socket(fd, &service->sockets[service->socket_count]))
            continue;
        service_set_problem(service,
                            "the inherited descriptor %d is not a listening stream socket: its "
                            ".socket unit needs ListenStream= and Accept=no",
                            fd);
        return false;
    }
    return true;
}

bool service_init(struct service *service)
{
    static const char *const names[] = {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID",
                                        "LISTEN_FDS",    "LISTEN_PID",    "LISTEN_FDNAMES"};

    *service = (struct service){
        .alive_due_ms = CLOCK_NEVER, .status_due_ms = CLOCK_NEVER, .requests_ms = clock_now_ms()};
    read_manager(service);
    read_watchdog(service);
    bool usable = read_sockets(service);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unsetenv(names[i]);
    return usable;
}

/* ---- messages ---- */

/* One line of plain text: systemd takes no other for a status. */
static void make_plain(char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < 0x20 || (unsigned char)*text >= 0x7F)
            *text = '?';
}

/* A message that the manager does not take within a moment is given up. */
static void tell(const struct service *service, const char *message)
{
    const struct timeval patience = {.tv_usec = PATIENCE_US};

    if (service->manager_len == 0)
        return;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    (void)!sendto(fd, message, strlen(message), MSG_NOSIGNAL,
                  (const struct sockaddr *)&service->manager, service->manager_len);
    close(fd);
}

void service_set_problem(struct service *service, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(service->problem, sizeof service->problem, format, arguments);
    va_end(arguments);
}

/* Requests per second since the last call. */
static unsigned long long take_rate(struct service *service, const struct service_load *load)
{
    long long now = clock_now_ms();
    long long span = now - service->requests_ms > 1000 ? now - service->requests_ms : 1000;
    unsigned long long fresh = load->requests - service->requests;

    service->requests = load->requests;
    service->requests_ms = now;
    return (fresh * 1000 + (unsigned long long)span / 2) / (unsigned long long)span;
}

static void format_status(struct service *service, const struct service_load *load,
                          char status[SERVICE_STATUS_BYTES])
{
    const char *problem = load->trouble != NULL ? load->trouble : service->problem;

    if (service->stopping)
        snprintf(status, SERVICE_STATUS_BYTES, "stopping: %zu connections to finish",
                 load->connections);
    else
        snprintf(status, SERVICE_STATUS_BYTES, "%s%s%zu of %lld connections, %llu requests/s",
                 problem, problem[0] != '\0' ? "; " : "", load->connections, load->connections_max,
                 take_rate(service, load));
}

/* Tells lines and, behind them, the status. */
static void tell_with_status(struct service *service, const struct service_load *load,
                             const char *lines)
{
    char message[MESSAGE_BYTES];

    format_status(service, load, service->status);
    make_plain(service->status);
    snprintf(message, sizeof message, "%sSTATUS=%s", lines, service->status);
    tell(service, message);
    if (service->manager_len > 0)
        service->status_due_ms = clock_now_ms() + STATUS_MS;
}

long long service_due(const struct service *service)
{
    return service->alive_due_ms < service->status_due_ms ? service->alive_due_ms
                                                          : service->status_due_ms;
}

void service_tick(struct service *service, const struct service_load *load)
{
    char status[SERVICE_STATUS_BYTES];
    long long now = clock_now_ms();

    if (now >= service->alive_due_ms) {
        tell(service, "WATCHDOG=1");
        service->alive_due_ms = now + service->watchdog_ms;
    }
    if (now < service->status_due_ms)
        return;
    service->status_due_ms = now + STATUS_MS;
    format_status(service, load, status);
    make_plain(status);
    if (strcmp(status, service->status) == 0)
        return;
    char message[MESSAGE_BYTES];
    snprintf(message, sizeof message, "STATUS=%s", status);
    memcpy(service->status, status, sizeof status);
    tell(service, message);
}

void service_tell_ready(struct service *service, const struct service_load *load)
{
    tell_with_status(service, load, "READY=1\n");
}

void service_tell_reloading(const struct service *service)
{
    char message[MESSAGE_BYTES];

    snprintf(message, sizeof message, "RELOADING=1\nMONOTONIC_USEC=%lld\nSTATUS=reloading",
             clock_now_us());
    tell(service, message);
}

void service_tell_stopping(struct service *service, const struct service_load *load,
                           long long patience_ms)
{
    char lines[80];

    service->stopping = true;
    snprintf(lines, sizeof lines, "STOPPING=1\nEXTEND_TIMEOUT_USEC=%lld000\n", patience_ms);
    tell_with_status(service, load, lines);
}

void service_tell_failure(const struct service *service, const char *problem)
{
    char message[MESSAGE_BYTES];

    snprintf(message, sizeof message, "STATUS=cannot start: %s", problem);
    make_plain(message);
    tell(service, message);
}
