/* options: the command line. */
#include "options.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const char usage[] =
    "Usage: authbridge -c FILE [options]\n"
    "       authbridge --target URL --header 'Authorization: Bearer ${env:TOKEN}'\n"
    "       authbridge -c FILE --check [--live | --quiet]\n"
    "       authbridge -c FILE --explain 'GET /path' [-H 'Name: value']...\n"
    "       authbridge --demo\n"
    "\n"
    "Replays each request to the target, with Host rewritten and the configured headers\n"
    "injected, and streams the response back unchanged.\n"
    "\n"
    "  -c, --config FILE           read the configuration from FILE (proxy.ini(5))\n"
    "      --check                 print what the configuration means, secrets as ***, and exit\n"
    "      --live                  with --check: try the target instead, with one HEAD request:\n"
    "                              name, connection, TLS and its certificates, answer\n"
    "  -q, --quiet                 with --check: print nothing but what is wrong\n"
    "      --explain 'GET /path'   print what the target would get for this request, what is\n"
    "                              changed in it and why, secrets as ***, and exit\n"
    "  -H 'Name: value'            with --explain: a header that the client sends; again for more\n"
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
    "Exit status: 0 stopped or checked, 1 --explain: refused, 64 usage, 69 --live: target\n"
    "unavailable, 71 system, 78 configuration.\n";

enum { CHECK = 256, LIVE, EXPLAIN, LISTEN, TARGET, HEADER, DEMO, VERSION };

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"check", no_argument, NULL, CHECK},
    {"live", no_argument, NULL, LIVE},
    {"quiet", no_argument, NULL, 'q'},
    {"explain", required_argument, NULL, EXPLAIN},
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

/* Adds a text to a list that grows. */
static bool add_text(const char *const **list, size_t *count, const char *text)
{
    const char **grown = realloc((void *)*list, (*count + 1) * sizeof *grown);

    if (grown == NULL)
        return false;
    grown[(*count)++] = text;
    *list = grown;
    return true;
}

/* Of --check, --explain and --demo one can be chosen. */
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
    if (options->live && action != OPTIONS_CHECK)
        return wrong("--live goes with --check");
    if (options->quiet && (action != OPTIONS_CHECK || options->live))
        return wrong("--quiet goes with --check, and without --live");
    if (options->asked.field_count > 0 && action != OPTIONS_EXPLAIN)
        return wrong("-H goes with --explain; for a header on every request give --header");
    return options->live ? OPTIONS_LIVE : action;
}

/* Takes one option. OPTIONS_SERVE: go on; anything else ends the reading. */
static enum options_action take_option(int option, struct options *options,
                                       enum options_action *action)
{
    struct config_source *source = &options->source;
    struct explain_request *asked = &options->asked;
    bool possible = true;
    bool added = true;

    switch (option) {
    case 'c':
        source->file = optarg;
        break;
    case CHECK:
        possible = choose(action, OPTIONS_CHECK);
        break;
    case LIVE:
        options->live = true;
        break;
    case 'q':
        options->quiet = true;
        break;
    case EXPLAIN:
        possible = choose(action, OPTIONS_EXPLAIN);
        asked->line = optarg;
        break;
    case 'H':
        added = add_text(&asked->fields, &asked->field_count, optarg);
        break;
    case DEMO:
        possible = choose(action, OPTIONS_DEMO);
        break;
    case LISTEN:
        source->listen = optarg;
        break;
    case TARGET:
        source->target = optarg;
        break;
    case HEADER:
        added = add_text(&source->headers, &source->header_count, optarg);
        break;
    case VERSION:
        puts("authbridge " AUTHBRIDGE_VERSION);
        return OPTIONS_DONE;
    case 'h':
        fputs(usage, stdout);
        return OPTIONS_DONE;
    default:
        return OPTIONS_WRONG;
    }
    if (!possible)
        return wrong("--check, --explain and --demo do not go together");
    return added ? OPTIONS_SERVE : wrong("out of memory");
}

enum options_action options_read(int argc, char **argv, struct options *options)
{
    enum options_action action = OPTIONS_SERVE;
    int option;

    *options = (struct options){0};
    while ((option = getopt_long(argc, argv, ":c:hH:q", long_options, NULL)) != -1) {
        if (option == ':')
            return wrong("%s needs a value", argv[optind - 1]);
        if (option == '?' && optopt != 0)
            return wrong("-%c is not an option", optopt);
        if (option == '?')
            return wrong("%s is not an option", argv[optind - 1]);
        enum options_action end = take_option(option, options, &action);
        if (end != OPTIONS_SERVE)
            return end;
    }
    if (optind < argc)
        return wrong("%s: there are no arguments besides options", argv[optind]);
    return check_combination(options, action);
}

void options_free(struct options *options)
{
    free((void *)options->source.headers);
    free((void *)options->asked.fields);
}
