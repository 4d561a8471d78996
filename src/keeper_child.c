/* keeper_child: what the keeper does. */
#include "keeper_child.h"

#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "clock.h"
#include "connection.h"
#include "log.h"
#include "name_runner.h"
#include "token_runner.h"
#include "wait.h"

#define WAIT_MS_MAX 60000 /* at a time: clocks may have moved apart while the machine slept */

struct keeper_work {
    CURLM *multi;
    struct token_runner *runners;
    size_t count;
    struct name_runner *names;
    size_t name_count;
    struct curl_waitfd *waits; /* the channel, the bell, and what the runners wait for */
};

static bool set_up_names(struct keeper_work *work, const struct config *config)
{
    work->names = calloc(config->names.count + 1, sizeof *work->names);
    if (work->names == NULL)
        return false;
    work->name_count = config->names.count;
    for (size_t i = 0; i < work->name_count; i++)
        name_runner_init(&work->names[i], config->names.items[i].name, config->dns_ttl,
                         work->multi);
    return true;
}

static bool set_up(struct keeper_work *work, const struct config *config)
{
    token_response_init();
    if (curl_global_init(CURL_GLOBAL_SSL) != CURLE_OK)
        return false;
    work->multi = curl_multi_init();
    work->runners = calloc(config->tokens.count + 1, sizeof *work->runners);
    work->waits = calloc(config->tokens.count * TOKEN_RUNNER_FDS + 2, sizeof *work->waits);
    if (work->multi == NULL || work->runners == NULL || work->waits == NULL)
        return false;
    work->count = config->tokens.count;
    for (size_t i = 0; i < work->count; i++)
        token_runner_init(&work->runners[i], &config->tokens.items[i], config, work->multi);
    return true;
}

static void tear_down(struct keeper_work *work)
{
    for (size_t i = 0; i < work->count; i++)
        token_runner_end(&work->runners[i]);
    for (size_t i = 0; i < work->name_count; i++)
        if (work->names[i].lookup != NULL)
            return; /* its thread still uses the rest, and ends with the process */
    curl_multi_cleanup(work->multi);
    free(work->runners);
    free(work->names);
    free(work->waits);
    curl_global_cleanup();
}

/* ---- a round ---- */

static void add_wait(struct keeper_work *work, unsigned *count, int fd)
{
    work->waits[(*count)++] = (struct curl_waitfd){.fd = fd, .events = CURL_WAIT_POLLIN};
}

static int time_left(const struct keeper_work *work)
{
    long long now = token_now_ms();
    long long due = now + WAIT_MS_MAX;
    long long clock = clock_now_ms(); /* which stands still while the machine sleeps */

    for (size_t i = 0; i < work->count; i++)
        if (token_runner_due(&work->runners[i]) < due)
            due = token_runner_due(&work->runners[i]);
    for (size_t i = 0; i < work->name_count; i++)
        if (name_runner_due(&work->names[i]) - clock < due - now)
            due = name_runner_due(&work->names[i]) - clock + now;
    return due > now ? (int)(due - now) : 0;
}

/* Waits until something is due or happens. */
static void wait_for_news(struct keeper_work *work, int channel)
{
    int fds[TOKEN_RUNNER_FDS];
    uint64_t rings;
    unsigned count = 0;

    if (channel >= 0)
        add_wait(work, &count, channel);
    if (token_bell() >= 0)
        add_wait(work, &count, token_bell());
    for (size_t i = 0; i < work->count; i++) {
        size_t more = token_runner_fds(&work->runners[i], fds);
        for (size_t j = 0; j < more; j++)
            add_wait(work, &count, fds[j]);
    }
    curl_multi_poll(work->multi, work->waits, count, time_left(work), NULL);
    if (token_bell() >= 0)
        (void)!read(token_bell(), &rings, sizeof rings);
}

/* Moves libcurl's transfers on, and hands over those that have ended. */
static void step_transfers(struct keeper_work *work)
{
    struct token_runner *runner = NULL;
    const CURLMsg *message;
    int running;
    int left;

    curl_multi_perform(work->multi, &running);
    while ((message = curl_multi_info_read(work->multi, &left)) != NULL) {
        CURLcode code = message->data.result;
        if (message->msg == CURLMSG_DONE &&
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &runner) == CURLE_OK)
            token_runner_finish(runner, code);
    }
}

static void step(struct keeper_work *work)
{
    for (size_t i = 0; i < work->count; i++)
        token_runner_step(&work->runners[i]);
    for (size_t i = 0; i < work->name_count; i++)
        name_runner_step(&work->names[i]);
    step_transfers(work);
}

/* ---- the whole ---- */

/* Nothing ever comes on the channel but its end. */
static bool has_ended(int channel)
{
    struct pollfd end = {.fd = channel, .events = POLLIN};

    return poll(&end, 1, 0) > 0;
}

_Noreturn void keeper_run(int channel, const struct config *config)
{
    static struct keeper_work work; /* found by the leak check */

    wait_init();
    if (!set_up(&work, config) || !set_up_names(&work, config)) {
        log_error("the keeper is out of memory");
        connection_exit(CONNECTION_NO_MEMORY);
    }
    while (!has_ended(channel)) {
        step(&work);
        wait_for_news(&work, channel);
    }
    tear_down(&work);
    connection_exit(CONNECTION_SERVED);
}

static bool all_tried(const struct keeper_work *work)
{
    struct token_state state;

    for (size_t i = 0; i < work->count; i++) {
        token_read_state(work->runners[i].config->token, &state);
        if (state.fetches + state.failures == 0)
            return false;
    }
    return true;
}

bool keeper_try_once(const struct config *config)
{
    struct keeper_work work = {0};
    bool ready = set_up(&work, config);

    while (ready && !all_tried(&work)) {
        step(&work);
        if (!all_tried(&work))
            wait_for_news(&work, -1);
    }
    tear_down(&work);
    return ready;
}
