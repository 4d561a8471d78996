/* demo: a target that answers each request with the head that it received. */
#include "demo.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "client.h"
#include "clock.h"
#include "http_head.h"
#include "log.h"

#define HEAD_BYTES_MAX                                                                             \
    ((size_t)1024 * 1024) /* of what the bridge sends: its limit, and injections */
#define HEAD_MS      10000
#define ANSWER_BYTES 512u
#define PAUSE_MS     100

/* Reads one head, and answers with it. */
static void echo(struct client *client)
{
    const struct http_limits limits = {HEAD_BYTES_MAX, HEAD_BYTES_MAX, HEAD_BYTES_MAX};
    struct pollfd socket = {.fd = client->fd, .events = POLLIN};
    long long deadline = clock_now_ms() + HEAD_MS;
    enum http_progress progress = HTTP_PARTIAL;
    struct http_head head;
    char answer[ANSWER_BYTES];

    http_head_init(&head, HTTP_REQUEST, limits);
    while (progress == HTTP_PARTIAL) {
        if (wait_ready(&socket, 1, deadline) == 0 || client_fill(client) != IO_OK)
            return;
        struct slice received = client_received(client);
        progress = http_head_parse(&head, received.at, received.len);
    }
    if (progress != HTTP_COMPLETE)
        return;
    int len = snprintf(answer, sizeof answer,
                       "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n"
                       "Connection: close\r\n\r\n",
                       head.length);
    if (client_send_all(client, (struct slice){answer, (size_t)len}, deadline) &&
        !slice_equals(head.method, slice_of("HEAD")))
        client_send_all(client, (struct slice){client_received(client).at, head.length}, deadline);
}

static _Noreturn void serve_one(int fd, const struct address *address)
{
    struct client client;

    wait_init();
    if (!client_init(&client, HEAD_BYTES_MAX))
        _exit(1);
    client_take_over(&client, fd, address);
    echo(&client);
    client_close_staged(&client, HEAD_MS);
    _exit(0);
}

static _Noreturn void serve(int listener)
{
    struct address address = {.len = sizeof address.storage};

    signal(SIGINT, SIG_IGN); /* Ctrl-C and a closed terminal are the bridge's to handle */
    signal(SIGHUP, SIG_IGN);
    signal(SIGCHLD, SIG_IGN);
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0) {
            poll(NULL, 0, PAUSE_MS); /* a shortage, most likely */
            continue;
        }
        if (fork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            serve_one(fd, &address);
        }
        close(fd);
    }
}

static int open_listener(char url[DEMO_URL_BYTES])
{
    char text[ADDRESS_TEXT_BYTES];
    struct address address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address_parse("127.0.0.1:0", &address);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address.storage, address.len) < 0 ||
        listen(fd, SOMAXCONN) < 0 ||
        getsockname(fd, (struct sockaddr *)&address.storage, &address.len) < 0) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    address_format(&address, text);
    snprintf(url, DEMO_URL_BYTES, "http://%.40s", text);
    return fd;
}

bool demo_start(char url[DEMO_URL_BYTES])
{
    int listener = open_listener(url);
    pid_t parent = getpid();
    pid_t pid = listener >= 0 ? fork() : -1;

    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(1);
        serve(listener);
    }
    if (pid < 0)
        log_error("cannot start the demo's target: %s", strerror(errno));
    if (listener >= 0)
        close(listener);
    return pid > 0;
}
