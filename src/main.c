/* main: the start-up, in order. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "config.h"
#include "demo.h"
#include "explain.h"
#include "live.h"
#include "log.h"
#include "master.h"
#include "options.h"
#include "privileges.h"
#include "trust.h"

static const char demo_token[] = "Authorization: Bearer demo-token-of-the-bridge";
static const char *const demo_headers[] = {demo_token, "X-Request-Id: ${request_id}"};

/* Descriptors 0 to 2 must be taken: a connection that got one of them would be sent our lines. */
static bool keep_standard_descriptors(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static void protect_secrets(void)
{
    privileges_hide_memory();
    unsetenv("SSLKEYLOGFILE"); /* libcurl would write the keys of each connection there */
}

/* Reads the configuration and its certificates; says what it means, or tries the target. */
static int check(const struct options *options)
{
    char error[TRUST_ERROR_BYTES];
    struct trust trust;
    char fault[CONFIG_FAULT_BYTES];
    struct config *config = config_read(&options->source, fault);
    int status = EX_OK;

    if (config == NULL)
        return EX_CONFIG;
    if (!trust_load(config, &trust, error)) {
        log_error("%s", error);
        status = EX_CONFIG;
    } else if (options->live) {
        status = live_check(config, &trust, stdout) ? EX_OK : EX_UNAVAILABLE;
    } else if (!options->quiet) {
        config_describe(config, stdout);
    }
    trust_free(&trust);
    config_free(config);
    return status;
}

static int explain(const struct options *options)
{
    static const int statuses[] = {
        [EXPLAIN_SENT] = EX_OK,
        [EXPLAIN_REFUSED] = EXIT_FAILURE,
        [EXPLAIN_FAILED] = EX_OSERR,
    };
    char fault[CONFIG_FAULT_BYTES];
    struct config *config = config_read(&options->source, fault);

    if (config == NULL)
        return EX_CONFIG;
    enum explain_result result = explain_request(config, &options->asked, stdout);
    config_free(config);
    return statuses[result];
}

static int serve(const struct config_source *given, void (*on_ready)(const char *address))
{
    static struct service service;
    struct config_source source = *given;
    char fault[CONFIG_FAULT_BYTES];

    if (!service_init(&service)) {
        log_error("%s", service.problem);
        service_tell_failure(&service, service.problem);
        return EX_CONFIG;
    }
    source.inherited = service.sockets;
    source.inherited_count = service.socket_count;
    struct config *config = config_read(&source, fault);
    if (config == NULL) {
        service_tell_failure(&service, fault);
        return EX_CONFIG;
    }
    log_set_level(config->log_level);
    return master_run(&source, config, &service, on_ready);
}

static void print_demo(const char *address)
{
    printf("\nThe bridge listens on %s; behind it runs a target that echoes what it receives.\n"
           "Try, in another terminal:\n\n"
           "    curl -i 'http://%s/hello?from=staging'\n\n"
           "You will see the request as the target received it: Host is the target's, and\n"
           "Authorization was injected by the bridge. Ctrl-C stops it.\n\n",
           address, address);
    fflush(stdout);
}

static int run_demo(struct config_source *source)
{
    static char url[DEMO_URL_BYTES]; /* the source keeps it */

    if (!demo_start(url))
        return EX_OSERR;
    source->target = url;
    source->headers = demo_headers;
    source->header_count = sizeof demo_headers / sizeof demo_headers[0];
    return serve(source, print_demo);
}

static int run(enum options_action action, const struct options *options)
{
    struct config_source demo_source = options->source;

    switch (action) {
    case OPTIONS_SERVE:
        return serve(&options->source, NULL);
    case OPTIONS_CHECK:
    case OPTIONS_LIVE:
        return check(options);
    case OPTIONS_EXPLAIN:
        return explain(options);
    case OPTIONS_DEMO:
        return run_demo(&demo_source);
    case OPTIONS_DONE:
        return EX_OK;
    case OPTIONS_WRONG:
        break;
    }
    return EX_USAGE;
}

int main(int argc, char **argv)
{
    struct options options;

    if (!keep_standard_descriptors())
        return EX_OSERR;
    protect_secrets();
    log_init(LEVEL_INFO);
    enum options_action action = options_read(argc, argv, &options);
    int status = run(action, &options);
    options_free(&options);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        log_error("cannot write to standard output: %s", strerror(errno));
        return EX_OSERR;
    }
    return status;
}
