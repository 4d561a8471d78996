/* options: the command line. */
#include "options.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const char usage[] =
    "Usage: authbridge -c FILE [options]\n"
    "       authbridge --target URL --header 'Authorization: Bearer ${env:TOKEN}'\n"
    "       authbridge --demo\n"
    "\n"
    "Replays each request to the target, with Host rewritten and the configured headers\n"
    "injected, and streams the response back unchanged.\n"
    "\n"
    "  -c, --config FILE           read the configuration from FILE (proxy.ini(5))\n"
    "      --check                 print what the configuration means, secrets as ***, and exit\n"
    "      --listen ADDRESS        listen there, for example 127.0.0.1:8080 (the default),\n"
    "                              [::1]:8080 or unix:/run/authbridge.sock; a list with commas\n"
    "      --target URL            send requests there: http://, https:// or unix:/path\n"
    "      --header 'Name: value'  set this header on every request; may be given again.\n"
    "                              ${env:NAME}, ${file:/path} and ${cred:name} keep secrets\n"
    "                              out of the process list\n"
    "      --demo                  try it: starts a target that echoes what it receives, and a\n"
    "                              bridge to it\n"
    "      --version               print the version and exit\n"
    "  -h, --help                  print this and exit\n"
    "\n"
    "Signals: SIGHUP reloads FILE, SIGTERM and SIGINT finish what is under way and stop (again:\n"
    "at once), SIGUSR1 logs the status.\n"
    "Exit status: 0 stopped or checked, 64 usage, 71 system, 78 configuration.\n";

enum { CHECK = 256, LISTEN, TARGET, HEADER, DEMO, VERSION };

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"check", no_argument, NULL, CHECK},
    {"listen", required_argument, NULL, LISTEN},
    {"target", required_argument, NULL, TARGET},
    {"header", required_argument, NULL, HEADER},
    {"demo", no_argument, NULL, DEMO},
    {"version", no_argument, NULL, VERSION},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

__attribute__((format(printf, 1, 2))) static enum options_action wrong(const char *format, ...)
{
    va_list arguments;

    fputs("authbridge: error: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputs("; authbridge --help shows what there is\n", stderr);
    return OPTIONS_WRONG;
}

static bool add_header(struct options *options, const char *header)
{
    size_t count = options->source.header_count;
    const char **grown = realloc((void *)options->source.headers, (count + 1) * sizeof *grown);

    if (grown == NULL)
        return false;
    grown[count] = header;
    options->source.headers = grown;
    options->source.header_count = count + 1;
    return true;
}

/* --check and --demo do not go together. */
static bool choose(enum options_action *action, enum options_action chosen)
{
    bool possible = *action == OPTIONS_SERVE || *action == chosen;

    *action = chosen;
    return possible;
}

static enum options_action check_combination(const struct options *options,
                                             enum options_action action)
{
    const struct config_source *source = &options->source;

    if (action == OPTIONS_DEMO &&
        (source->file != NULL || source->target != NULL || source->header_count > 0))
        return wrong("--demo has its own target and headers: give --listen with it at most");
    if (action != OPTIONS_DEMO && source->file == NULL && source->target == NULL)
        return wrong("give -c FILE or --target URL (or --demo to try it)");
    return action;
}

enum options_action options_read(int argc, char **argv, struct options *options)
{
    enum options_action action = OPTIONS_SERVE;
    int option;

    *options = (struct options){0};
    while ((option = getopt_long(argc, argv, ":c:h", long_options, NULL)) != -1) {
        switch (option) {
        case 'c':
            options->source.file = optarg;
            break;
        case CHECK:
            if (!choose(&action, OPTIONS_CHECK))
                return wrong("--check and --demo do not go together");
            break;
        case DEMO:
            if (!choose(&action, OPTIONS_DEMO))
                return wrong("--check and --demo do not go together");
            break;
        case LISTEN:
            options->source.listen = optarg;
            break;
        case TARGET:
            options->source.target = optarg;
            break;
        case HEADER:
            if (!add_header(options, optarg))
                return wrong("out of memory");
            break;
        case VERSION:
            puts("authbridge " AUTHBRIDGE_VERSION);
            return OPTIONS_DONE;
        case 'h':
            fputs(usage, stdout);
            return OPTIONS_DONE;
        case ':':
            return wrong("%s needs a value", argv[optind - 1]);
        default:
            if (optopt != 0)
                return wrong("-%c is not an option", optopt);
            return wrong("%s is not an option", argv[optind - 1]);
        }
    }
    if (optind < argc)
        return wrong("%s: there are no arguments besides options", argv[optind]);
    return check_combination(options, action);
}

void options_free(struct options *options)
{
    free((void *)options->source.headers);
}
