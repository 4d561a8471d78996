/* explain: what the bridge would make of a request, told line by line with the reasons. The parser,
 * the checks and the rewriter are those that serve requests. */
#ifndef AUTHBRIDGE_EXPLAIN_H
#define AUTHBRIDGE_EXPLAIN_H

#include <stddef.h>
#include <stdio.h>

#include "config.h"

/* A request as somebody asks about it. */
struct explain_request {
    const char *line;          /* "GET /path", perhaps with a version; NULL: nothing is asked */
    const char *const *fields; /* "Name: value" */
    size_t field_count;
};

enum explain_result {
    EXPLAIN_SENT,    /* the request would be sent, or answered as HTTP has it */
    EXPLAIN_REFUSED, /* the bridge would refuse it */
    EXPLAIN_FAILED,  /* out of memory, which has been logged */
};

/* Prints what would become of the request. The secrets in config are replaced by *** first: it is
 * of no other use afterwards. */
enum explain_result explain_request(struct config *config, const struct explain_request *asked,
                                    FILE *out);

#endif
