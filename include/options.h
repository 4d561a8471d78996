/* options: the command line. */
#ifndef AUTHBRIDGE_OPTIONS_H
#define AUTHBRIDGE_OPTIONS_H

#include "config.h"
#include "explain.h"

enum options_action {
    OPTIONS_SERVE,
    OPTIONS_CHECK,
    OPTIONS_LIVE, /* --check --live */
    OPTIONS_EXPLAIN,
    OPTIONS_DEMO,
    OPTIONS_DONE,
    OPTIONS_WRONG,
};

struct options {
    struct config_source source;  /* its headers are owned by the options */
    struct explain_request asked; /* and so are its fields */
    bool live;
    bool quiet; /* --check prints faults alone */
};

/* Reads the command line. OPTIONS_DONE: --help or --version has been printed; OPTIONS_WRONG: what
 * is wrong has been printed to stderr. */
enum options_action options_read(int argc, char **argv, struct options *options);

void options_free(struct options *options);

#endif
