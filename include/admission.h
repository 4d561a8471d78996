/* admission: the checks that stand between a request that is understood and the target. */
#ifndef AUTHBRIDGE_ADMISSION_H
#define AUTHBRIDGE_ADMISSION_H

#include <stdbool.h>

#include "config.h"
#include "fault.h"
#include "http_request.h"

/* A request that asks for admission, and what is known of who sent it. */
struct admission {
    const struct config *config;
    const struct http_request *request;
    int fd;                /* the client's socket */
    struct address *local; /* where the connection came in; its len is 0 until it is asked for */
    const char *client;    /* its name, for the log */
    bool client_allowed;   /* the client's address may use the bridge */
    bool is_supposed;      /* nobody sent it: nobody can be asked who it is */
    bool has_transport;    /* the means to reach a target could be set up */

    struct slice user;                /* who signed in: empty where nobody has to */
    bool is_preflight;                /* it is answered here: found by the checks, as is the rest */
    const struct config_route *route; /* NULL: it is for the bridge itself */
};

/* Whether request and sender are such that it may go to the target; of the system it asks
 * nothing but the socket's address. Sets admission->route. false fills *fault with the answer. */
bool admission_judge(struct admission *admission, struct fault *fault);

/* The same, and whether the bridge can do its part: transport and credentials, which are brought up
 * to date (config_refresh). */
bool admission_check(struct admission *admission, struct fault *fault);

#endif
