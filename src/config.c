/* config: proxy.ini and the command line's overrides, read into one struct. */
#include "config.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "config_loader.h"
#include "http_field.h"
#include "ini_file.h"
#include "log.h"

void config_fault(struct config_loader *loader, const char *format, ...)
{
    va_list arguments;

    loader->failed = true;
    fprintf(loader->report, "%s: ", loader->place);
    va_start(arguments, format);
    vfprintf(loader->report, format, arguments);
    va_end(arguments);
    fputc('\n', loader->report);
}

/* ---- sources ---- */

/* Anything else may be a value whose name was forgotten. */
const char *config_shown_name(const char *name)
{
    return strspn(name, "abcdefghijklmnopqrstuvwxyz_-") == strlen(name) ? name : "this";
}

static void take_table_setting(struct config_loader *loader, const char *section, const char *name,
                               const char *text)
{
    for (size_t i = 0; i < config_setting_count; i++) {
        const struct config_setting *setting = &config_settings[i];
        if (strcmp(setting->section, section) != 0)
            continue;
        if (strcmp(setting->name, name) != 0)
            continue;
        if (loader->path != NULL && loader->lines[i] != 0) {
            config_fault(loader, "%s stands twice in [%s]: first in line %u", name, section,
                         loader->lines[i]);
            return;
        }
        loader->lines[i] = loader->path != NULL ? loader->line : CONFIG_COMMAND_LINE;
        config_set_value(loader, setting, text);
        return;
    }
    config_fault(loader, "%s is not a setting of [%s], which has: %s", config_shown_name(name),
                 section, config_names_of(section));
}

/* Where a setting of the header sections goes; NULL for other sections. */
static struct config_fields *fields_of(struct config_loader *loader, const char *section)
{
    if (strcmp(section, "request-headers") == 0)
        return &loader->config->request_fields;
    if (strcmp(section, "response-headers") == 0)
        return &loader->config->response_fields;
    return NULL;
}

static void take_line(struct config_loader *loader, const char *section, const char *name,
                      const char *text)
{
    struct config_fields *fields = fields_of(loader, section);
    const size_t prefix = strlen(CONFIG_TOKEN_PREFIX);

    if (strncmp(section, CONFIG_TOKEN_PREFIX, prefix) == 0) {
        config_take_token_line(loader, section + prefix, name, text);
        return;
    }
    bool is_known = fields != NULL || config_names_of(section)[0] != '\0';

    if (name == NULL && !is_known)
        config_fault(loader, "[%s] is not a section; there are: %s", section, CONFIG_SECTIONS);
    else if (name != NULL && section[0] == '\0')
        config_fault(loader, "a setting stands before the first section: begin with [proxy]");
    else if (name != NULL && fields != NULL)
        config_set_field(loader, fields, name, text);
    else if (name != NULL && is_known)
        take_table_setting(loader, section, name, text);
}

static void take_setting(void *context, const char *section, const char *name, const char *text,
                         unsigned line)
{
    struct config_loader *loader = context;
    char place[CONFIG_PLACE_BYTES];

    snprintf(place, sizeof place, "%s:%u", loader->path, line);
    loader->place = place;
    loader->line = line;
    if (config_is_route(section))
        config_take_route_line(loader, section, name, text);
    else
        take_line(loader, section, name, text);
    loader->place = loader->path;
}

static void take_header_option(struct config_loader *loader, const char *header)
{
    const char *colon = strchr(header, ':');

    if (colon == NULL) {
        config_fault(loader, "give a header as 'Name: value'");
        return;
    }
    char *name = strndup(header, (size_t)(colon - header));
    struct slice text = slice_trim(slice_of(colon + 1));
    char *copy = strndup(text.at, text.len);
    if (name == NULL || copy == NULL)
        config_fault(loader, "out of memory");
    else
        config_set_field(loader, &loader->config->request_fields, name, copy);
    free(name);
    free(copy);
}

static void take_options(struct config_loader *loader, const struct config_source *source)
{
    loader->path = NULL;
    if (source->listen != NULL) {
        loader->place = "--listen";
        take_table_setting(loader, "proxy", "listen", source->listen);
    }
    if (source->target != NULL) {
        loader->place = "--target";
        take_table_setting(loader, "proxy", "target", source->target);
    }
    for (size_t i = 0; i < source->header_count; i++) {
        loader->place = "--header";
        take_header_option(loader, source->headers[i]);
    }
}

static void load(struct config_loader *loader, const struct config_source *source)
{
    config_set_defaults(loader->config, config_settings, config_setting_count);
    if (source->file != NULL && !ini_file_read(source->file, take_setting, loader, loader->report))
        loader->failed = true;
    take_options(loader, source);
    loader->path = source->file;
    config_check(loader);
    config_check_routes(loader);
    config_tokens_conclude(loader);
    config_check_cors(loader);
    config_names_conclude(loader);
    config_guards_conclude(loader);
}

static struct config *new_config(const struct config_source *source)
{
    struct config *config = calloc(1, sizeof *config);

    if (config == NULL)
        return NULL;
    config->path = source->file;
    config->lines = calloc(config_setting_count, sizeof *config->lines);
    if (config->lines != NULL)
        return config;
    free(config);
    return NULL;
}

struct config *config_load(const struct config_source *source, FILE *report)
{
    struct config *config = new_config(source);

    if (config == NULL) {
        fputs("out of memory\n", report);
        return NULL;
    }
    struct config_loader loader = {
        .config = config,
        .base = config,
        .source = source,
        .path = source->file,
        .place = source->file,
        .lines = config->lines,
        .report = report,
    };
    load(&loader, source);
    if (!loader.failed)
        return config;
    config_free(config);
    return NULL;
}

void config_place_of(const struct config *config, const char *section, const char *name,
                     char place[CONFIG_PLACE_BYTES])
{
    place[0] = '\0';
    for (size_t i = 0; i < config_setting_count; i++) {
        if (strcmp(config_settings[i].section, section) != 0 ||
            strcmp(config_settings[i].name, name) != 0)
            continue;
        if (config->lines[i] == CONFIG_COMMAND_LINE)
            snprintf(place, CONFIG_PLACE_BYTES, "--%s", name);
        else if (config->lines[i] != 0)
            snprintf(place, CONFIG_PLACE_BYTES, "%s:%u", config->path, config->lines[i]);
    }
}

/* Logs a report line by line. */
static void log_report(char *report)
{
    char *next;

    for (char *line = report; line != NULL && *line != '\0'; line = next) {
        next = strchr(line, '\n');
        if (next != NULL)
            *next++ = '\0';
        log_error("%s", line);
    }
}

struct config *config_read(const struct config_source *source, char fault[CONFIG_FAULT_BYTES])
{
    char *text = NULL;
    size_t len = 0;
    FILE *report = open_memstream(&text, &len);

    snprintf(fault, CONFIG_FAULT_BYTES, "out of memory");
    if (report == NULL)
        return NULL;
    struct config *config = config_load(source, report);
    fclose(report);
    if (text != NULL)
        snprintf(fault, CONFIG_FAULT_BYTES, "%.*s", (int)strcspn(text, "\n"), text);
    log_report(text);
    free(text);
    return config;
}

void config_free(struct config *config)
{
    if (config == NULL)
        return;
    config_guards_free(config);
    config_routes_free(config);
    config_tokens_free(config);
    config_names_free(config);
    config_free_fields(&config->request_fields);
    config_free_fields(&config->response_fields);
    target_free(&config->target);
    free(config->listen);
    free(config->allow.items);
    free(config->trusted.items);
    config_clear_texts(&config->hosts);
    free(config->users_file);
    users_free(config->users);
    config_clear_texts(&config->cors.origins);
    config_clear_texts(&config->cors.methods);
    config_clear_texts(&config->cors.headers);
    config_clear_texts(&config->cors.expose);
    free(config->host);
    free(config->methods);
    free(config->user);
    egress_free(&config->egress);
    value_free(&config->egress_value);
    free(config->tls.ca_file);
    free(config->tls.client_cert);
    free(config->tls.client_key);
    free(config->tls.server_name);
    free(config->tls.pinned_key);
    free(config->listen_tls.cert);
    free(config->listen_tls.key);
    free(config->listen_tls.client_ca);
    free(config->lines);
    free(config);
}

static bool has_address(const struct config_ranges *ranges, const struct address *address)
{
    for (size_t i = 0; i < ranges->count; i++)
        if (address_range_contains(&ranges->items[i], address))
            return true;
    return false;
}

bool config_has_tls_listener(const struct config *config)
{
    for (size_t i = 0; i < config->listen_count; i++)
        if (config->listen[i].tls)
            return true;
    return false;
}

bool config_allows(const struct config *config, const struct address *client)
{
    if (address_is_unix(client))
        return true; /* the socket's file mode decides */
    if (config->allow.count == 0)
        return address_is_loopback(client);
    return has_address(&config->allow, client);
}

bool config_trusts(const struct config *config, const struct address *peer)
{
    return has_address(&config->trusted, peer);
}

bool config_believes(const struct config *config, const struct address *peer)
{
    return address_is_unix(peer) || config_trusts(config, peer);
}

struct http_limits config_request_limits(const struct config *config)
{
    return (struct http_limits){
        .head_bytes = (size_t)config->limits.request_head,
        .target_bytes = (size_t)config->limits.request_target,
        .fields = (size_t)config->limits.request_fields,
    };
}

bool config_fields_have(const struct config_fields *fields, struct slice name)
{
    for (size_t i = 0; i < fields->count; i++)
        if (http_names_are_alike(name, slice_of(fields->items[i].name)))
            return true;
    return false;
}

size_t config_fields_bytes_max(const struct config_fields *fields)
{
    size_t bytes = 0;

    for (size_t i = 0; i < fields->count; i++)
        bytes += strlen(fields->items[i].name) + value_bytes_max(&fields->items[i].value) + 4;
    return bytes;
}
