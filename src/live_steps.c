/* live_steps: the steps of a live check, as far as they went, with their times. */
#include "live_steps.h"

#include <netdb.h>
#include <string.h>

#define ADDRESSES_SHOWN 8

/* When each step had ended, in microseconds from the start; 0 when it had not. */
struct steps {
    curl_off_t name, connect, tls, ready, answer, all;
};

const char *live_path(const struct config_route *route)
{
    return route->target->base_path[0] != '\0' ? route->target->base_path : "/";
}

static struct steps steps_of(const struct live *live)
{
    CURL *handle = live->upstream.handle;
    struct steps steps = {0};

    curl_easy_getinfo(handle, CURLINFO_NAMELOOKUP_TIME_T, &steps.name);
    curl_easy_getinfo(handle, CURLINFO_CONNECT_TIME_T, &steps.connect);
    curl_easy_getinfo(handle, CURLINFO_APPCONNECT_TIME_T, &steps.tls);
    curl_easy_getinfo(handle, CURLINFO_PRETRANSFER_TIME_T, &steps.ready);
    curl_easy_getinfo(handle, CURLINFO_STARTTRANSFER_TIME_T, &steps.answer);
    curl_easy_getinfo(handle, CURLINFO_TOTAL_TIME_T, &steps.all);
    if (steps.connect == 0 && live->tls_us != 0) /* libcurl forgets it when TLS fails */
        steps.connect = live->tls_us - live->begun_us;
    return steps;
}

static void print_step(const struct live *live, const char *name, curl_off_t us)
{
    fprintf(live->out, "  %-8s %8.1f ms  ", name, (double)us / 1000);
}

static bool is_repeated(const struct addrinfo *all, const struct addrinfo *one)
{
    for (; all != one; all = all->ai_next)
        if (all->ai_addrlen == one->ai_addrlen &&
            memcmp(all->ai_addr, one->ai_addr, one->ai_addrlen) == 0)
            return true;
    return false;
}

/* libcurl tells of the address that it uses only: the name is looked up again for all of them. */
static void print_addresses(const struct live *live, const char *host)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *all = NULL;
    char text[NI_MAXHOST];
    size_t shown = 0;

    if (getaddrinfo(host, NULL, &hints, &all) != 0) {
        fputs("(no longer found)\n", live->out);
        return;
    }
    for (const struct addrinfo *one = all; one != NULL; one = one->ai_next) {
        if (is_repeated(all, one) || shown > ADDRESSES_SHOWN ||
            getnameinfo(one->ai_addr, one->ai_addrlen, text, sizeof text, NULL, 0,
                        NI_NUMERICHOST) != 0)
            continue;
        if (shown++ == ADDRESSES_SHOWN)
            fputs(", ...", live->out);
        else
            fprintf(live->out, "%s%s", shown > 1 ? ", " : "", text);
    }
    fputc('\n', live->out);
    freeaddrinfo(all);
}

static void print_connection(const struct live *live)
{
    const char *ip = NULL;
    long port = 0;

    if (live->route->target->unix_path != NULL) {
        fprintf(live->out, "%s\n", live->route->target->name);
        return;
    }
    curl_easy_getinfo(live->upstream.handle, CURLINFO_PRIMARY_IP, &ip);
    curl_easy_getinfo(live->upstream.handle, CURLINFO_PRIMARY_PORT, &port);
    fprintf(live->out, "%s port %ld%s%s\n", ip != NULL ? ip : "?", port,
            live->config->egress.url != NULL ? ", egress " : "",
            live->config->egress.url != NULL ? live->config->egress.shown : "");
}

static void print_certificates(const struct live *live)
{
    char subject[CHAIN_TEXT_BYTES];
    char issuer[CHAIN_TEXT_BYTES];

    for (size_t i = 0; i < chain_count(&live->chain); i++) {
        int days = chain_days_left(&live->chain, i);
        chain_subject(&live->chain, i, subject);
        chain_issuer(&live->chain, i, issuer);
        fprintf(live->out, "    %zu. %s\n       by %s\n       ", i + 1, subject, issuer);
        if (days < 0)
            fprintf(live->out, "expired %d days ago\n", -days);
        else
            fprintf(live->out, "%d days left\n", days);
    }
}

static void print_failed_step(const struct live *live, const char *name, curl_off_t us)
{
    print_step(live, name, us);
    fputs("failed\n", live->out);
}

static void print_tls(const struct live *live, const struct steps *at)
{
    if (live->request_ms == 0) {
        print_failed_step(live, "TLS", at->all - at->connect);
    } else {
        print_step(live, "TLS", at->tls - at->connect);
        fprintf(live->out, "%s\n", live->tls[0] != '\0' ? live->tls : "done");
    }
    print_certificates(live);
}

static void print_answer(const struct live *live, const struct steps *at)
{
    long status = 0;

    curl_easy_getinfo(live->upstream.handle, CURLINFO_RESPONSE_CODE, &status);
    print_step(live, "answer", at->answer - at->ready);
    fprintf(live->out, "%ld to HEAD %s\n", status, live_path(live->route));
}

void live_print_steps(const struct live *live, bool answered)
{
    const struct target *target = live->route->target;
    struct steps at = steps_of(live);
    bool is_direct = target->unix_path == NULL && live->config->egress.url == NULL;

    if (is_direct && at.name == 0 && at.connect == 0) {
        print_failed_step(live, "name", at.all);
        return;
    }
    if (is_direct) {
        print_step(live, "name", at.name);
        print_addresses(live, target->host);
    }
    if (at.connect == 0) {
        print_failed_step(live, "connect", at.all - at.name);
        return;
    }
    print_step(live, "connect", at.connect - at.name);
    print_connection(live);
    if (target->is_https)
        print_tls(live, &at);
    if (answered)
        print_answer(live, &at);
    else if (live->request_ms != 0)
        print_failed_step(live, "answer", at.all - at.ready);
}
