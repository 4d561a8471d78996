/* fresh: a load of clients that open a connection for each request.
 *
 * usage: fresh PORT CLIENTS SECONDS PAUSE-MS PATH CONTENT-LENGTH [FIELD]...
 *
 * Each client connects, sends, reads the whole response and closes, again and again, with a pause
 * between. The result goes to standard output as JSON; anything but the whole, right response
 * counts as an error. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "loopback.h"
#include "response.h"

#define CLIENTS_MAX       128
#define SECONDS_MAX       3600
#define PAUSE_MS_MAX      999
#define ANSWER_SECONDS    5 /* a response that takes longer is an error */
#define FIRST_SOURCE      2 /* client n connects from 127.0.0.(2 + n) */
#define FIRST_LATENCY_CAP 4096

struct load {
    unsigned short port;
    char head[REQUEST_BYTES_MAX];
    size_t head_len;
    unsigned long long content_length;
    long long until_ns;
    struct timespec pause;
};

struct worker {
    const struct load *load;
    unsigned number;
    pthread_t thread;
    long long *latencies_ns;
    size_t count, cap;
    unsigned long long errors;
};

static long long now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static bool ask(const struct worker *worker)
{
    const struct load *load = worker->load;
    const struct timeval patience = {.tv_sec = ANSWER_SECONDS};
    char space[RESPONSE_BYTES_MIN];
    struct response response;
    int fd = loopback_connect(load->port, FIRST_SOURCE + worker->number);

    if (fd < 0)
        return false;
    bool right = setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0 &&
                 loopback_send(fd, load->head, load->head_len) &&
                 response_read(fd, space, sizeof space, &response) &&
                 response.length == load->content_length;
    close(fd);
    return right;
}

static void note(struct worker *worker, long long latency_ns)
{
    if (worker->count == worker->cap) {
        worker->cap = worker->cap > 0 ? 2 * worker->cap : FIRST_LATENCY_CAP;
        worker->latencies_ns =
            reallocarray(worker->latencies_ns, worker->cap, sizeof *worker->latencies_ns);
        if (worker->latencies_ns == NULL)
            loopback_fail("latencies");
    }
    worker->latencies_ns[worker->count++] = latency_ns;
}

static void *work(void *argument)
{
    struct worker *worker = argument;

    for (long long began; (began = now_ns()) < worker->load->until_ns;) {
        if (ask(worker))
            note(worker, now_ns() - began);
        else
            worker->errors++;
        if (worker->load->pause.tv_nsec > 0)
            nanosleep(&worker->load->pause, NULL);
    }
    return NULL;
}

static int compare(const void *a, const void *b)
{
    long long left = *(const long long *)a;
    long long right = *(const long long *)b;

    return (left > right) - (left < right);
}

/* Adds all that the others noted to the first worker's, in order of size. */
static void gather(struct worker *workers, unsigned count)
{
    for (unsigned i = 1; i < count; i++) {
        for (size_t j = 0; j < workers[i].count; j++)
            note(&workers[0], workers[i].latencies_ns[j]);
        workers[0].errors += workers[i].errors;
        free(workers[i].latencies_ns);
    }
    if (workers[0].count > 0)
        qsort(workers[0].latencies_ns, workers[0].count, sizeof(long long), compare);
}

static void print(const struct worker *all, double seconds)
{
    long long median_ns = all->count > 0 ? all->latencies_ns[all->count / 2] : 0;

    printf("{\"requests\": %zu, \"errors\": %llu, \"seconds\": %.6f, \"median_us\": %.3f}\n",
           all->count, all->errors, seconds, (double)median_ns / 1e3);
}

int main(int argc, char **argv)
{
    static struct worker workers[CLIENTS_MAX];
    static struct load load;

    if (argc < 7) {
        fprintf(stderr,
                "usage: fresh PORT CLIENTS SECONDS PAUSE-MS PATH CONTENT-LENGTH [FIELD]...\n");
        return 64;
    }
    load.port = loopback_port(argv[1]);
    unsigned clients = (unsigned)loopback_number(argv[2], CLIENTS_MAX);
    load.head_len = request_write(load.head, "GET", argv[5], argv + 7, argc - 7);
    load.content_length = loopback_number(argv[6], 1u << 30);
    if (strcmp(argv[4], "0") != 0)
        load.pause.tv_nsec = (long)loopback_number(argv[4], PAUSE_MS_MAX) * 1000000;
    long long began_ns = now_ns();
    load.until_ns = began_ns + (long long)loopback_number(argv[3], SECONDS_MAX) * 1000000000LL;

    for (unsigned i = 0; i < clients; i++) {
        workers[i] = (struct worker){.load = &load, .number = i};
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
            loopback_fail("pthread_create");
    }
    for (unsigned i = 0; i < clients; i++)
        pthread_join(workers[i].thread, NULL);
    double seconds = (double)(now_ns() - began_ns) / 1e9;
    gather(workers, clients);
    print(&workers[0], seconds);
    free(workers[0].latencies_ns);
    return 0;
}
