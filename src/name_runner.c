/* name_runner: looks a host name up again and again. */
#include "name_runner.h"

#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "clock.h"
#include "log.h"

#define RETRY_MS 5000 /* after no answer, where dns_ttl is longer */

/* What the thread works on; its own until done. */
struct lookup {
    pthread_t thread;
    CURLM *multi;
    const char *host;
    atomic_bool done;
    int outcome; /* of getaddrinfo(3) */
    char space[NAME_BYTES_MAX];
    struct buffer text;
};

void name_runner_init(struct name_runner *runner, struct name *name, long long ttl_ms, CURLM *multi)
{
    *runner = (struct name_runner){.name = name, .ttl_ms = ttl_ms, .multi = multi};
}

/* ---- the thread ---- */

/* Appends an address, unless it is there already, or has a zone, which libcurl does not take. */
static void add_address(struct buffer *text, const char *address)
{
    struct slice content = buffer_content(text);
    bool is_ipv6 = strchr(address, ':') != NULL;

    if (strchr(address, '%') != NULL || buffer_room(text) < strlen(address) + 3 ||
        name_list_has(content, address))
        return;
    buffer_add_text(text, content.len > 0 ? "," : "");
    buffer_add_text(text, is_ipv6 ? "[" : "");
    buffer_add_text(text, address);
    buffer_add_text(text, is_ipv6 ? "]" : "");
}

static void *look_up(void *data)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct lookup *lookup = data;
    struct addrinfo *all = NULL;
    char address[NI_MAXHOST];

    lookup->outcome = getaddrinfo(lookup->host, NULL, &hints, &all);
    for (const struct addrinfo *one = all; lookup->outcome == 0 && one != NULL; one = one->ai_next)
        if (getnameinfo(one->ai_addr, one->ai_addrlen, address, sizeof address, NULL, 0,
                        NI_NUMERICHOST) == 0)
            add_address(&lookup->text, address);
    if (lookup->outcome == 0)
        freeaddrinfo(all);
    atomic_store(&lookup->done, true);
    curl_multi_wakeup(lookup->multi);
    return NULL;
}

/* ---- the answers ---- */

/* Whether there is no such name, as far as the name servers know; all else may pass. */
static bool is_definite(int outcome)
{
    return outcome == EAI_NONAME || outcome == EAI_NODATA || outcome == EAI_ADDRFAMILY;
}

static void take_addresses(struct name_runner *runner, struct slice addresses)
{
    struct slice before = name_addresses(runner->name);
    const char *host = name_host(runner->name);
    bool is_news = !slice_equals(before, addresses);

    runner->due_ms = clock_now_ms() + runner->ttl_ms;
    if (is_news)
        name_publish(runner->name, addresses);
    if (runner->failing)
        log_info("%s can be looked up again", host);
    if (is_news)
        log_debug("%s has the addresses %.*s", host, (int)addresses.len, addresses.at);
    runner->failing = false;
}

static void take_failure(struct name_runner *runner, int outcome)
{
    bool has_addresses = name_addresses(runner->name).len > 0;
    bool drops = has_addresses && is_definite(outcome);

    runner->due_ms = clock_now_ms() + (runner->ttl_ms < RETRY_MS ? runner->ttl_ms : RETRY_MS);
    if (drops)
        name_publish(runner->name, (struct slice){NULL, 0});
    if (!runner->failing || drops)
        log_warning("cannot look up %s: %s; %s", name_host(runner->name), gai_strerror(outcome),
                    has_addresses && !drops ? "the addresses known stay in use"
                                            : "each connection tries by itself");
    runner->failing = true;
}

static void take_answer(struct name_runner *runner)
{
    struct lookup *lookup = runner->lookup;

    pthread_join(lookup->thread, NULL);
    runner->lookup = NULL;
    if (lookup->outcome == 0 && buffer_length(&lookup->text) > 0)
        take_addresses(runner, buffer_content(&lookup->text));
    else
        take_failure(runner, lookup->outcome != 0 ? lookup->outcome : EAI_FAIL);
    free(lookup);
}

static void begin(struct name_runner *runner)
{
    struct lookup *lookup = calloc(1, sizeof *lookup);

    runner->due_ms = clock_now_ms() + RETRY_MS; /* should it not begin */
    if (lookup == NULL)
        return;
    lookup->multi = runner->multi;
    lookup->host = name_host(runner->name);
    lookup->text = (struct buffer){.at = lookup->space, .cap = sizeof lookup->space};
    if (pthread_create(&lookup->thread, NULL, look_up, lookup) == 0)
        runner->lookup = lookup;
    else
        free(lookup);
}

void name_runner_step(struct name_runner *runner)
{
    if (runner->lookup != NULL && atomic_load(&runner->lookup->done))
        take_answer(runner);
    if (runner->lookup == NULL && clock_now_ms() >= runner->due_ms)
        begin(runner);
}

long long name_runner_due(const struct name_runner *runner)
{
    return runner->lookup != NULL ? CLOCK_NEVER : runner->due_ms;
}
