/* live_steps: the steps of a live check, as far as they went, with their times. */
#ifndef AUTHBRIDGE_LIVE_STEPS_H
#define AUTHBRIDGE_LIVE_STEPS_H

#include <stdbool.h>
#include <stdio.h>

#include "chain.h"
#include "upstream.h"

/* One try of the target, under way or finished. */
struct live {
    const struct config *config;
    const struct config_route *route;
    const struct trust *trust;
    FILE *out;
    struct upstream upstream;
    struct chain chain;
    struct curl_slist *fields;
    char tls[128];        /* "TLSv1.3, TLS_AES_256_GCM_SHA384" */
    long long begun_us;   /* when the try began */
    long long tls_us;     /* when its TLS began; 0 before */
    long long request_ms; /* when the request was sent; 0 before */
    bool timed_out;       /* the target did not answer in time */
};

/* What a live check asks for: the base path, or "/". */
const char *live_path(const struct config_route *route);

/* Prints a line for each step that was begun, and the target's certificates. */
void live_print_steps(const struct live *live, bool answered);

#endif
