/* cabundle: a process for each connection in which libcurl parses the CA certificates itself: what
 * such a design costs where nothing is shared.
 *
 * usage: cabundle PORT TARGET-URL CA-FILE */
#include <curl/curl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loopback.h"

#define PIECE_BYTES 65536

static CURL *connect_target(const char *url, const char *ca_file)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return NULL;
    CURL *target = curl_easy_init();
    if (target == NULL)
        return NULL;
    curl_easy_setopt(target, CURLOPT_URL, url);
    curl_easy_setopt(target, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(target, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(target, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(target, CURLOPT_PROXY, "");
    curl_easy_setopt(target, CURLOPT_CAINFO, ca_file);
    curl_easy_setopt(target, CURLOPT_CAPATH, NULL);
    return curl_easy_perform(target) == CURLE_OK ? target : NULL;
}

static bool send_up(CURL *target, int fd, const char *at, size_t len)
{
    struct pollfd socket = {.fd = fd, .events = POLLOUT};

    while (len > 0) {
        size_t sent = 0;
        CURLcode code = curl_easy_send(target, at, len, &sent);
        if (code == CURLE_AGAIN)
            poll(&socket, 1, -1);
        else if (code != CURLE_OK)
            return false;
        at += sent;
        len -= sent;
    }
    return true;
}

/* Passes on all that TLS has ready; false at the end. */
static bool pass_down(CURL *target, int client, char *piece)
{
    size_t got;

    for (;;) {
        CURLcode code = curl_easy_recv(target, piece, PIECE_BYTES, &got);
        if (code == CURLE_AGAIN)
            return true;
        if (code != CURLE_OK || got == 0 || !loopback_send(client, piece, got))
            return false;
    }
}

static bool pass_up(CURL *target, int fd, int client, char *piece)
{
    ssize_t got = recv(client, piece, PIECE_BYTES, 0);

    return got > 0 && send_up(target, fd, piece, (size_t)got);
}

static void relay(CURL *target, int client)
{
    static char piece[PIECE_BYTES];
    curl_socket_t fd;

    if (curl_easy_getinfo(target, CURLINFO_ACTIVESOCKET, &fd) != CURLE_OK)
        return;
    struct pollfd sockets[] = {{.fd = client, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
    while (poll(sockets, 2, -1) > 0) {
        if (sockets[0].revents != 0 && !pass_up(target, fd, client, piece))
            return;
        if (sockets[1].revents != 0 && !pass_down(target, client, piece))
            return;
    }
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: cabundle PORT TARGET-URL CA-FILE\n");
        return 64;
    }
    int listener = loopback_listen(loopback_port(argv[1]));
    signal(SIGCHLD, SIG_IGN); /* no zombies, and no wait */
    for (;;) {
        int client = loopback_accept(listener);
        pid_t child = fork();
        if (child < 0)
            loopback_fail("fork");
        if (child == 0) {
            CURL *target = connect_target(argv[2], argv[3]);
            if (target != NULL)
                relay(target, client);
            _exit(0);
        }
        close(client);
    }
}
