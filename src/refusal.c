/* refusal: answers of the master's to clients that get no child. */
#include "refusal.h"

#include <sys/socket.h>
#include <unistd.h>

#include "answer.h"
#include "clock.h"

#define DISCARDS_MAX 64   /* reads from such a client */
#define LINGER_MS    1000 /* until the request of one that has just come is here */

/* One try, without waiting for the client; none to one that expects TLS. */
static void send_answer(const struct accepted *accepted, const struct fault *fault)
{
    char space[2 * ANSWER_BYTES_MAX];
    struct buffer answer = {.at = space, .cap = sizeof space};

    answer_fault(fault, false, true, false, &answer);
    if (!accepted->tls)
        (void)!send(accepted->fd, answer.at, answer.end, MSG_DONTWAIT | MSG_NOSIGNAL);
    shutdown(accepted->fd, SHUT_WR);
}

/* What the client has sent is read, so that no reset erases the answer. */
static void end(int fd)
{
    char discarded[4096];

    for (int i = 0; i < DISCARDS_MAX; i++)
        if (recv(fd, discarded, sizeof discarded, MSG_DONTWAIT) <= 0)
            break;
    close(fd);
}

void refusal_answer(const struct accepted *accepted, const struct fault *fault)
{
    send_answer(accepted, fault);
    end(accepted->fd);
}

static void end_first(struct refusals *refusals)
{
    end(refusals->fds[refusals->first]);
    refusals->first = (refusals->first + 1) % REFUSALS_MAX;
    refusals->count--;
}

void refusal_answer_early(struct refusals *refusals, const struct accepted *accepted,
                          const struct fault *fault)
{
    if (refusals->count == REFUSALS_MAX)
        end_first(refusals);
    size_t at = (refusals->first + refusals->count++) % REFUSALS_MAX;
    send_answer(accepted, fault);
    refusals->fds[at] = accepted->fd;
    refusals->due_ms[at] = clock_now_ms() + LINGER_MS;
}

void refusal_tend(struct refusals *refusals)
{
    while (refusals->count > 0 && refusals->due_ms[refusals->first] <= clock_now_ms())
        end_first(refusals);
}

long long refusal_next_event(const struct refusals *refusals)
{
    return refusals->count > 0 ? refusals->due_ms[refusals->first] : CLOCK_NEVER;
}

void refusal_end(struct refusals *refusals)
{
    while (refusals->count > 0)
        end_first(refusals);
}
