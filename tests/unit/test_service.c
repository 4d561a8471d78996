/* Tests of service: what it takes from the environment, and what it tells a manager of our own. */
#include "service.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support.h"

static const struct service_load idle = {.connections = 3, .connections_max = 512, .requests = 7};

static void close_fd(void *what)
{
    close(*(int *)what);
    free(what);
}

static int deferred(int fd)
{
    int *kept = malloc(sizeof *kept);

    assert_non_null(kept);
    assert_true(fd >= 0);
    *kept = fd;
    defer(close_fd, kept);
    return fd;
}

/* A manager that listens on that NOTIFY_SOCKET. */
static int new_manager(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = deferred(socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0));
    size_t len = strlen(name);

    assert_true(len < sizeof address.sun_path);
    memcpy(address.sun_path, name, len);
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    assert_int_equal(bind(fd, (struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
                     0);
    setenv("NOTIFY_SOCKET", name, 1);
    return fd;
}

/* The next message, or "" when there is none. */
static const char *told(int manager)
{
    char message[2048];
    ssize_t len = recv(manager, message, sizeof message - 1, 0);

    message[len > 0 ? len : 0] = '\0';
    return text_of("%s", message);
}

static const char *abstract_name(void)
{
    return text_of("@authbridge-test-%d", (int)getpid());
}

/* ---- telling ---- */

static void check_messages(const char *name)
{
    int manager = new_manager(name);
    struct service service;

    assert_true(service_init(&service));
    check(getenv("NOTIFY_SOCKET") == NULL, "children inherit NOTIFY_SOCKET");
    service_tell_ready(&service, &idle);
    check_text("ready", told(manager), "READY=1\nSTATUS=3 of 512 connections, 7 requests/s");
    service_tell_reloading(&service);
    check_has("reloading", told(manager), "RELOADING=1\nMONOTONIC_USEC=");
    service_set_problem(&service, "reload failed: %s", "p.ini:3: a\nb\xC3\xA4");
    service_tell_ready(&service, &idle);
    check_text("ready with a problem", told(manager),
               "READY=1\nSTATUS=reload failed: p.ini:3: a?b??; 3 of 512 connections, 0 requests/s");
    service_tell_stopping(&service, &idle, 35000);
    check_text(
        "stopping", told(manager),
        "STOPPING=1\nEXTEND_TIMEOUT_USEC=35000000\nSTATUS=stopping: 3 connections to finish");
    service_tell_failure(&service, "p.ini:1: bad");
    check_text("failure", told(manager), "STATUS=cannot start: p.ini:1: bad");
}

static void test_path(void)
{
    const char *path = new_file((struct slice){"", 0});

    assert_int_equal(unlink(path), 0);
    check_messages(path);
}

static void test_abstract(void)
{
    check_messages(abstract_name());
}

static const struct name_row {
    const char *name;
    const char *path;
} name_rows[] = {
    {"empty", ""},
    {"relative", "run/notify"},
    {"nothing behind @", "@"},
    {"another kind", "vsock:2:1234"},
    {"nobody there", "/nonexistent/notify"},
};

/* Nothing is told, and nothing breaks. */
static void check_useless_name(const void *of)
{
    const struct name_row *row = of;
    struct service service;

    setenv("NOTIFY_SOCKET", row->path, 1);
    check(service_init(&service), "refused");
    service_tell_ready(&service, &idle);
    service_tick(&service, &idle);
}

static void test_unsupervised(void)
{
    struct service service;

    assert_true(service_init(&service));
    service_tell_ready(&service, &idle);
    service_tell_stopping(&service, &idle, 1);
    check_number("due", service_due(&service), CLOCK_NEVER);
}

static void test_long_problem(void)
{
    int manager = new_manager(abstract_name());
    struct service service;

    assert_true(service_init(&service));
    service_set_problem(&service, "%s", letters(5000));
    service_tell_ready(&service, &idle);
    check_has("status", told(manager), "3 of 512 connections");
}

static void test_same_status_is_told_once(void)
{
    int manager = new_manager(abstract_name());
    struct service service;

    assert_true(service_init(&service));
    service_tell_ready(&service, &idle);
    service_tell_ready(&service, &idle);
    told(manager), told(manager);
    service.status_due_ms = clock_now_ms();
    service_tick(&service, &idle);
    check_text("nothing new", told(manager), "");
    service.status_due_ms = clock_now_ms();
    service_tick(&service, &(struct service_load){4, 512, 7, NULL});
    check_text("changed", told(manager), "STATUS=4 of 512 connections, 0 requests/s");
    service_tick(&service, &(struct service_load){5, 512, 7, "a is gone"});
    check_text("not due", told(manager), "");
    service.status_due_ms = clock_now_ms();
    service_tick(&service, &(struct service_load){5, 512, 7, "a is gone"});
    check_text("trouble", told(manager), "STATUS=a is gone; 5 of 512 connections, 0 requests/s");
}

/* ---- watchdog ---- */

static const struct watchdog_row {
    const char *name;
    const char *us;
    long long interval_ms; /* between signs of life; 0: none */
    long pid;              /* 0: not set; 1: ours; else another's */
} watchdog_rows[] = {
    {"half of the time", "3000000", 1500, 0},
    {"ours", "3000000", 1500, 1},
    {"of another process", "3000000", 0, 2},
    {"shortest", "1", 1, 0},
    {"none", "0", 0, 0},
    {"no number", "3s", 0, 0},
    {"negative", "-3000000", 0, 0},
    {"too large", "99999999999999999999", 0, 0},
};

static void check_watchdog(const void *of)
{
    const struct watchdog_row *row = of;
    int manager = new_manager(abstract_name());
    struct service service;

    setenv("WATCHDOG_USEC", row->us, 1);
    if (row->pid > 0)
        setenv("WATCHDOG_PID", text_of("%ld", row->pid == 1 ? (long)getpid() : 1L), 1);
    long long before = clock_now_ms();
    assert_true(service_init(&service));
    check(getenv("WATCHDOG_USEC") == NULL && getenv("WATCHDOG_PID") == NULL, "inherited");
    check_number("interval", service.watchdog_ms, row->interval_ms);
    if (row->interval_ms == 0)
        return;
    check(service_due(&service) >= before + row->interval_ms || row->interval_ms > 5000, "due");
    service.alive_due_ms = clock_now_ms();
    service_tick(&service, &idle);
    check_text("sign of life", told(manager), "WATCHDOG=1");
    check(service.alive_due_ms >= before + row->interval_ms, "the next is due");
}

/* ---- inherited sockets ---- */

/* Puts a descriptor where inherited ones begin. */
static void pass(int fd)
{
    if (fd != SERVICE_FIRST_FD) {
        assert_int_equal(dup2(fd, SERVICE_FIRST_FD), SERVICE_FIRST_FD);
        deferred(SERVICE_FIRST_FD);
    }
    setenv("LISTEN_FDS", "1", 1);
    setenv("LISTEN_PID", text_of("%d", (int)getpid()), 1);
    setenv("LISTEN_FDNAMES", "web", 1);
}

static int new_socket(int family, int type, bool listens)
{
    int fd = deferred(socket(family, type, 0));

    if (listens)
        assert_int_equal(listen(fd, 1), 0); /* binds it to a free port */
    return fd;
}

static void test_inherited(void)
{
    struct service service;

    pass(new_socket(AF_INET, SOCK_STREAM, true));
    assert_true(service_init(&service));
    check_number("sockets", service.socket_count, 1);
    check_number("family", service.sockets[0].storage.ss_family, AF_INET);
    check(fcntl(SERVICE_FIRST_FD, F_GETFD) == FD_CLOEXEC, "programs would inherit it");
    check((fcntl(SERVICE_FIRST_FD, F_GETFL) & O_NONBLOCK) != 0, "accept would block");
    check(getenv("LISTEN_FDS") == NULL && getenv("LISTEN_PID") == NULL &&
              getenv("LISTEN_FDNAMES") == NULL,
          "children inherit the environment");
}

static void test_of_another_process(void)
{
    struct service service;

    pass(new_socket(AF_INET, SOCK_STREAM, true));
    setenv("LISTEN_PID", "1", 1);
    check(service_init(&service), "refused");
    check_number("sockets", service.socket_count, 0);
    unsetenv("LISTEN_PID");
    setenv("LISTEN_FDS", "1", 1);
    check(service_init(&service), "refused");
    check_number("sockets without a pid", service.socket_count, 0);
}

static const struct unfit_row {
    const char *name;
    int family, type;
    bool listens;
    const char *count;
} unfit_rows[] = {
    {"a connection, or no listener", AF_INET, SOCK_STREAM, false, "1"},
    {"datagrams", AF_INET, SOCK_DGRAM, false, "1"},
    {"more than there are", AF_INET, SOCK_STREAM, true, "60"},
    {"too many", AF_INET, SOCK_STREAM, true, "65"},
    {"no number", AF_INET, SOCK_STREAM, true, "one"},
};

static void check_unfit(const void *of)
{
    const struct unfit_row *row = of;
    struct service service;

    pass(new_socket(row->family, row->type, row->listens));
    setenv("LISTEN_FDS", row->count, 1);
    check(!service_init(&service), "accepted");
    check(service.problem[0] != '\0', "no problem is named");
    check(getenv("LISTEN_FDS") == NULL, "children inherit the environment");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_path),
        TEST(test_abstract),
        ROWS(name_rows, check_useless_name),
        TEST(test_unsupervised),
        TEST(test_long_problem),
        TEST(test_same_status_is_told_once),
        ROWS(watchdog_rows, check_watchdog),
        TEST(test_inherited),
        TEST(test_of_another_process),
        ROWS(unfit_rows, check_unfit),
    };

    return cmocka_run_group_tests_name("service", tests, NULL, NULL);
}
