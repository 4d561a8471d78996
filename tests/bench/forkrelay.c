/* forkrelay: the least that a process for each connection costs: accept, fork, connect, pass octets
 * both ways, _exit. It understands nothing of what it passes.
 *
 * usage: forkrelay PORT TARGET-PORT */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loopback.h"

#define PIECE_BYTES 65536
#define SOURCE      1

/* Passes on what has come; false at the end of either side. */
static bool pass(int from, int to)
{
    char piece[PIECE_BYTES];
    ssize_t got;

    do
        got = recv(from, piece, sizeof piece, 0);
    while (got < 0 && errno == EINTR);
    return got > 0 && loopback_send(to, piece, (size_t)got);
}

static void relay(int client, int target)
{
    struct pollfd sockets[] = {{.fd = client, .events = POLLIN}, {.fd = target, .events = POLLIN}};

    while (poll(sockets, 2, -1) > 0) {
        if (sockets[0].revents != 0 && !pass(client, target))
            return;
        if (sockets[1].revents != 0 && !pass(target, client))
            return;
    }
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: forkrelay PORT TARGET-PORT\n");
        return 64;
    }
    int listener = loopback_listen(loopback_port(argv[1]));
    unsigned short target_port = loopback_port(argv[2]);
    signal(SIGCHLD, SIG_IGN); /* no zombies, and no wait */
    for (;;) {
        int client = loopback_accept(listener);
        pid_t child = fork();
        if (child < 0)
            loopback_fail("fork");
        if (child == 0) {
            int target = loopback_connect(target_port, SOURCE);
            if (target >= 0)
                relay(client, target);
            _exit(0);
        }
        close(client);
    }
}
