/* config: proxy.ini and the command line's overrides, read into one struct. */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config_table.h"
#include "http_field.h"
#include "http_request.h"
#include "ini_file.h"
#include "log.h"
#include "unit.h"

#define PLACE_BYTES      512u /* "file:line" */
#define COMMAND_LINE     UINT_MAX
#define PIN_PREFIX       "sha256//"
#define PIN_BASE64_BYTES 44u
#define BASE64_DIGITS    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

/* One load in progress. */
struct loader {
    struct config *config;
    const char *path;  /* NULL: from the command line */
    const char *place; /* where the setting at hand stands: "proxy.ini:12" or "--target" */
    unsigned *lines;   /* of each setting of the table; 0: not set; or COMMAND_LINE */
    unsigned line;     /* of the setting at hand */
    FILE *report;
    bool failed;
};

__attribute__((format(printf, 2, 3))) static void fault(struct loader *loader, const char *format,
                                                        ...)
{
    va_list arguments;

    loader->failed = true;
    fprintf(loader->report, "%s: ", loader->place);
    va_start(arguments, format);
    vfprintf(loader->report, format, arguments);
    va_end(arguments);
    fputc('\n', loader->report);
}

/* ---- values of each kind ---- */

static void set_number(struct loader *loader, const struct config_setting *setting,
                       const char *text, bool (*parse)(const char *, long long *),
                       void (*format)(long long, char *), const char *form)
{
    char low[UNIT_TEXT_BYTES];
    char high[UNIT_TEXT_BYTES];
    long long number;

    if (setting->max == (long long)CONFIG_UNLIMITED && strcmp(text, "unlimited") == 0) {
        *(long long *)config_member(loader->config, setting) = setting->max;
        return;
    }
    if (!parse(text, &number)) {
        fault(loader, "%s = %s: give %s%s", setting->name, text, form,
              setting->max == (long long)CONFIG_UNLIMITED ? ", or unlimited" : "");
        return;
    }
    if (number < setting->min || number > setting->max) {
        format(setting->min, low);
        format(setting->max, high);
        if (setting->max == (long long)CONFIG_UNLIMITED)
            fault(loader, "%s = %s: give at least %s, or unlimited", setting->name, text, low);
        else
            fault(loader, "%s = %s: give %s to %s", setting->name, text, low, high);
        return;
    }
    *(long long *)config_member(loader->config, setting) = number;
}

static void set_switch(struct loader *loader, const struct config_setting *setting,
                       const char *text)
{
    bool *value = config_member(loader->config, setting);

    if (strcmp(text, "on") != 0 && strcmp(text, "off") != 0)
        fault(loader, "%s = %s: give on or off", setting->name, text);
    else
        *value = strcmp(text, "on") == 0;
}

static void set_text(struct loader *loader, const struct config_setting *setting, const char *text)
{
    char **value = config_member(loader->config, setting);

    if (text[0] == '\0') {
        fault(loader, "%s is empty: give a value, or take the line out", setting->name);
        return;
    }
    free(*value);
    *value = strdup(text);
    if (*value == NULL)
        fault(loader, "out of memory");
}

static void set_level(struct loader *loader, const char *text)
{
    for (int i = 0; i < CONFIG_LEVELS; i++) {
        if (strcmp(text, config_level_names[i]) == 0) {
            loader->config->log_level = (enum config_level)i;
            return;
        }
    }
    fault(loader, "level = %s: give error, warning, info or debug", text);
}

/* Calls add with each element of a comma-separated list. */
static void for_each_element(struct loader *loader, const char *text,
                             void (*add)(struct loader *, const char *))
{
    struct slice list = slice_of(text);
    struct slice element;

    while (http_list_next(&list, &element)) {
        char *copy = strndup(element.at, element.len);
        if (copy == NULL) {
            fault(loader, "out of memory");
            return;
        }
        add(loader, copy);
        free(copy);
    }
}

static void add_listen(struct loader *loader, const char *text)
{
    struct config *config = loader->config;
    struct address address;

    if (!address_parse(text, &address)) {
        fault(loader,
              "listen = %s: give address:port, for example 127.0.0.1:8080, [::1]:8080 or "
              "unix:/run/authbridge.sock",
              text);
        return;
    }
    for (size_t i = 0; i < config->listen_count; i++) {
        if (address_equals(&config->listen[i], &address)) {
            fault(loader, "listen = %s stands twice", text);
            return;
        }
    }
    if (config->listen_count == CONFIG_LISTEN_MAX) {
        fault(loader, "listen has at most %u addresses", CONFIG_LISTEN_MAX);
        return;
    }
    struct address *grown =
        realloc(config->listen, (config->listen_count + 1) * sizeof *config->listen);
    if (grown == NULL) {
        fault(loader, "out of memory");
        return;
    }
    config->listen = grown;
    config->listen[config->listen_count++] = address;
}

static void add_allow(struct loader *loader, const char *text)
{
    struct config *config = loader->config;
    struct address_range range;

    config->has_allow = true;
    if (!address_range_parse(text, &range)) {
        fault(loader,
              "allow = %s: give addresses or networks whose host bits are zero, for example "
              "10.0.0.0/8, 192.168.1.5, fd00::/8",
              text);
        return;
    }
    struct address_range *grown =
        realloc(config->allow, (config->allow_count + 1) * sizeof *config->allow);
    if (grown == NULL) {
        fault(loader, "out of memory");
        return;
    }
    config->allow = grown;
    config->allow[config->allow_count++] = range;
}

static void set_listen(struct loader *loader, const char *text)
{
    loader->config->listen_count = 0;
    for_each_element(loader, text, add_listen);
}

static void set_target(struct loader *loader, const char *text)
{
    char error[TARGET_ERROR_BYTES];

    target_free(&loader->config->target);
    if (!target_parse(text, &loader->config->target, error))
        fault(loader, "target = %s: %s", strchr(text, '@') != NULL ? "***" : text, error);
}

static void set_host(struct loader *loader, const struct config_setting *setting, const char *text)
{
    if (http_is_authority(slice_of(text)))
        set_text(loader, setting, text);
    else
        fault(loader, "host = %s: give host or host:port, for example preprod.example.com",
              strchr(text, '@') != NULL ? "***" : text);
}

/* A secret goes into a URL percent-encoded, so that no octet of it is taken for the URL's own. */
static void add_encoded(struct buffer *out, struct slice text)
{
    char octet[4];

    for (size_t i = 0; i < text.len; i++) {
        snprintf(octet, sizeof octet, "%%%02X", (unsigned)(unsigned char)text.at[i]);
        buffer_add_text(out, octet);
    }
}

/* Writes the URL that an egress value stands for, with its NUL. A value that is one secret is a
 * URL by itself. false for a variable that only a request gives. */
static bool render_url(const struct value *value, struct buffer *out)
{
    for (size_t i = 0; i < value->count; i++) {
        const struct value_part *part = &value->parts[i];
        struct slice text = {part->text, part->len};
        if (part->kind == VALUE_SECRET && value->count > 1)
            add_encoded(out, text);
        else if (part->kind == VALUE_SECRET || part->kind == VALUE_LITERAL)
            buffer_add(out, text);
        else
            return false;
    }
    buffer_add(out, (struct slice){"", 1});
    return !out->overflowed;
}

static void set_egress(struct loader *loader, const char *text)
{
    char error[VALUE_ERROR_BYTES];
    struct value value;
    struct buffer url;

    if (!value_compile(text, &value, error)) {
        fault(loader, "egress: %s", error);
        return;
    }
    egress_free(&loader->config->egress);
    bool has_memory = buffer_init(&url, 3 * value_bytes_max(&value) + 1);
    if (!has_memory || !render_url(&value, &url) || !egress_parse(url.at, &loader->config->egress))
        fault(loader, "egress: give the outgoing proxy's URL with its port, for example "
                      "http://proxy.example.com:3128 or socks5h://127.0.0.1:1080; user and "
                      "password from ${env:NAME}, ${file:/path} or ${cred:name}, or percent-"
                      "encoded");
    if (has_memory)
        explicit_bzero(url.at, url.cap);
    buffer_free(&url);
    value_free(&value);
}

static void set_value(struct loader *loader, const struct config_setting *setting, const char *text)
{
    switch (setting->kind) {
    case CONFIG_DURATION:
        set_number(loader, setting, text, unit_parse_duration, unit_format_duration,
                   "a duration with its unit, for example 500ms, 10s or 2m");
        break;
    case CONFIG_SIZE:
        set_number(loader, setting, text, unit_parse_size, unit_format_size,
                   "a size with its unit, for example 512B, 64K or 10M");
        break;
    case CONFIG_COUNT:
        set_number(loader, setting, text, unit_parse_count, unit_format_count, "a number");
        break;
    case CONFIG_SWITCH:
        set_switch(loader, setting, text);
        break;
    case CONFIG_TEXT:
        set_text(loader, setting, text);
        break;
    case CONFIG_HOST:
        set_host(loader, setting, text);
        break;
    case CONFIG_LEVEL:
        set_level(loader, text);
        break;
    case CONFIG_LISTEN:
        set_listen(loader, text);
        break;
    case CONFIG_TARGET:
        set_target(loader, text);
        break;
    case CONFIG_EGRESS:
        set_egress(loader, text);
        break;
    case CONFIG_ALLOW:
        for_each_element(loader, text, add_allow);
        break;
    }
}

/* ---- [request-headers] and [response-headers] ---- */

static bool check_field_name(struct loader *loader, const char *name)
{
    enum http_field_id id = http_field_identify(slice_of(name));

    if (!http_is_token(slice_of(name)))
        fault(loader, "this is no header's name; write Name = value, the name of letters, digits "
                      "and !#$%%&'*+-.^_`|~");
    else if (id == HTTP_FIELD_HOST)
        fault(loader, "%s: set host = in [proxy] instead", name);
    else if (http_field_is_reserved(id))
        fault(loader, "%s: this field belongs to the connection, and the bridge sets it itself",
              name);
    else
        return true;
    return false;
}

static struct config_field *find_field(struct config_fields *fields, const char *name)
{
    for (size_t i = 0; i < fields->count; i++)
        if (http_names_are_alike(slice_of(fields->items[i].name), slice_of(name)))
            return &fields->items[i];
    return NULL;
}

static void clear_field(struct config_field *field)
{
    free(field->name);
    free(field->origin);
    value_free(&field->value);
    *field = (struct config_field){0};
}

/* An empty place for the field: the one that --header replaces, or a new one at the end. NULL
 * after a fault. */
static struct config_field *place_field(struct loader *loader, struct config_fields *fields,
                                        const char *name)
{
    struct config_field *found = find_field(fields, name);

    if (found != NULL && (loader->path != NULL || strcmp(found->origin, loader->place) == 0)) {
        fault(loader, "%s is already set at %s", name, found->origin);
        return NULL;
    }
    if (found != NULL) {
        clear_field(found);
        return found;
    }
    struct config_field *grown = realloc(fields->items, (fields->count + 1) * sizeof *grown);
    if (grown == NULL) {
        fault(loader, "out of memory");
        return NULL;
    }
    fields->items = grown;
    fields->items[fields->count] = (struct config_field){0};
    return &fields->items[fields->count++];
}

static void set_field(struct loader *loader, struct config_fields *fields, const char *name,
                      const char *text)
{
    char error[VALUE_ERROR_BYTES];
    struct value value;

    if (!check_field_name(loader, name))
        return;
    if (!value_compile(text, &value, error)) {
        fault(loader, "%s: %s", name, error);
        return;
    }
    struct config_field *field = place_field(loader, fields, name);
    if (field == NULL) {
        value_free(&value);
        return;
    }
    field->value = value;
    field->removes = value.count == 0;
    field->name = strdup(name);
    field->origin = strdup(loader->place);
    if (field->name == NULL || field->origin == NULL)
        fault(loader, "out of memory");
}

/* ---- sources ---- */

static void take_table_setting(struct loader *loader, const char *section, const char *name,
                               const char *text)
{
    for (size_t i = 0; i < config_setting_count; i++) {
        const struct config_setting *setting = &config_settings[i];
        if (strcmp(setting->section, section) != 0)
            continue;
        if (strcmp(setting->name, name) != 0)
            continue;
        if (loader->path != NULL && loader->lines[i] != 0) {
            fault(loader, "%s stands twice in [%s]: first in line %u", name, section,
                  loader->lines[i]);
            return;
        }
        loader->lines[i] = loader->path != NULL ? loader->line : COMMAND_LINE;
        set_value(loader, setting, text);
        return;
    }
    fault(loader, "%s is not a setting of [%s], which has: %s",
          http_is_token(slice_of(name)) ? name : "this", section, config_names_of(section));
}

/* Where a setting of the header sections goes; NULL for other sections. */
static struct config_fields *fields_of(struct loader *loader, const char *section)
{
    if (strcmp(section, "request-headers") == 0)
        return &loader->config->request_fields;
    if (strcmp(section, "response-headers") == 0)
        return &loader->config->response_fields;
    return NULL;
}

static void take_line(struct loader *loader, const char *section, const char *name,
                      const char *text)
{
    struct config_fields *fields = fields_of(loader, section);
    bool is_known = fields != NULL || config_names_of(section)[0] != '\0';

    if (name == NULL && !is_known)
        fault(loader, "[%s] is not a section; there are: %s", section, CONFIG_SECTIONS);
    else if (name != NULL && section[0] == '\0')
        fault(loader, "a setting stands before the first section: begin with [proxy]");
    else if (name != NULL && fields != NULL)
        set_field(loader, fields, name, text);
    else if (name != NULL && is_known)
        take_table_setting(loader, section, name, text);
}

static void take_setting(void *context, const char *section, const char *name, const char *text,
                         unsigned line)
{
    struct loader *loader = context;
    char place[PLACE_BYTES];

    snprintf(place, sizeof place, "%s:%u", loader->path, line);
    loader->place = place;
    loader->line = line;
    take_line(loader, section, name, text);
    loader->place = loader->path;
}

static void take_header_option(struct loader *loader, const char *header)
{
    const char *colon = strchr(header, ':');

    if (colon == NULL) {
        fault(loader, "give a header as 'Name: value'");
        return;
    }
    char *name = strndup(header, (size_t)(colon - header));
    struct slice text = slice_trim(slice_of(colon + 1));
    char *copy = strndup(text.at, text.len);
    if (name == NULL || copy == NULL)
        fault(loader, "out of memory");
    else
        set_field(loader, &loader->config->request_fields, name, copy);
    free(name);
    free(copy);
}

static void take_options(struct loader *loader, const struct config_source *source)
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

/* ---- what settings mean together ---- */

/* The line in which the file has a setting, COMMAND_LINE for an option, 0 when it is not set. */
static unsigned line_of(const struct loader *loader, const char *section, const char *name)
{
    for (size_t i = 0; i < config_setting_count; i++)
        if (strcmp(config_settings[i].section, section) == 0 &&
            strcmp(config_settings[i].name, name) == 0)
            return loader->lines[i];
    return 0;
}

static void check_listen(struct loader *loader)
{
    struct config *config = loader->config;
    char text[ADDRESS_TEXT_BYTES];

    if (config->listen_count == 0 && !loader->failed)
        add_listen(loader, "127.0.0.1:8080");
    for (size_t i = 0; i < config->listen_count && !config->has_allow; i++) {
        if (address_is_loopback(&config->listen[i]))
            continue;
        address_format(&config->listen[i], text);
        fault(loader,
              "listen = %s: whoever reaches this address would use the bridge's credentials: set "
              "allow in [access], for example allow = 10.0.0.0/8",
              text);
    }
}

static void check_target(struct loader *loader)
{
    struct config *config = loader->config;

    if (config->target.url == NULL && !loader->failed)
        fault(loader, loader->path != NULL
                          ? "target is missing: set it in [proxy], for example target = "
                            "https://preprod.example.com"
                          : "the target is missing: give --target URL or -c FILE");
    if (config->host == NULL && config->target.authority != NULL) {
        config->host = strdup(config->target.authority);
        if (config->host == NULL)
            fault(loader, "out of memory");
    }
}

static void check_egress(struct loader *loader)
{
    const struct config *config = loader->config;

    if (config->egress.url != NULL && config->target.unix_path != NULL)
        fault(loader, "egress goes with a target on the network, not with %s", config->target.name);
}

static void check_readable(struct loader *loader, const char *name, const char *path)
{
    if (path != NULL && access(path, R_OK) != 0)
        fault(loader, "%s = %s: cannot read: %s", name, path, strerror(errno));
}

static void check_ca_file(struct loader *loader)
{
    check_readable(loader, "ca_file", loader->config->tls.ca_file);
}

static void check_client_cert(struct loader *loader)
{
    check_readable(loader, "client_cert", loader->config->tls.client_cert);
}

static void check_client_key(struct loader *loader)
{
    check_readable(loader, "client_key", loader->config->tls.client_key);
    if (loader->config->tls.client_key != NULL && loader->config->tls.client_cert == NULL)
        fault(loader, "client_key needs client_cert beside it");
}

/* sha256//BASE64 of 32 octets, perhaps several with ; between. */
static bool is_pin_list(const char *text)
{
    const size_t prefix = strlen(PIN_PREFIX);

    for (;;) {
        size_t len = strcspn(text, ";");
        if (len != prefix + PIN_BASE64_BYTES || strncmp(text, PIN_PREFIX, prefix) != 0 ||
            strspn(text + prefix, BASE64_DIGITS) != PIN_BASE64_BYTES - 1 || text[len - 1] != '=')
            return false;
        if (text[len] == '\0')
            return true;
        text += len + 1;
    }
}

static void check_pinned_key(struct loader *loader)
{
    const char *key = loader->config->tls.pinned_key;

    if (key == NULL || is_pin_list(key))
        return;
    if (key[0] == '/')
        check_readable(loader, "pinned_key", key);
    else
        fault(loader,
              "pinned_key = %s: give sha256// and 44 characters of base64, or the path of a public "
              "key's file",
              key);
}

static void check_server_name(struct loader *loader)
{
    const char *name = loader->config->tls.server_name;

    if (name != NULL &&
        (strlen(name) > 253 || strchr(name, ':') != NULL || !http_is_authority(slice_of(name))))
        fault(loader, "server_name = %.80s: give a host name, for example preprod.example.com",
              name);
}

static void check_request_target(struct loader *loader)
{
    struct config *config = loader->config;

    if (config->limits.request_target <= config->limits.request_head)
        return;
    if (line_of(loader, "limits", "request_target") > 0)
        fault(loader, "request_target is larger than request_head, of which it is a part: give "
                      "less, or more for request_head");
    else
        config->limits.request_target = config->limits.request_head;
}

static void check_together(struct loader *loader)
{
    static const struct {
        const char *section, *name; /* of the setting that a fault is pointed to */
        void (*check)(struct loader *);
    } checks[] = {
        {"proxy", "listen", check_listen},
        {"proxy", "target", check_target},
        {"proxy", "egress", check_egress},
        {"tls", "ca_file", check_ca_file},
        {"tls", "client_cert", check_client_cert},
        {"tls", "client_key", check_client_key},
        {"tls", "pinned_key", check_pinned_key},
        {"tls", "server_name", check_server_name},
        {"limits", "request_target", check_request_target},
    };
    char place[PLACE_BYTES];

    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        unsigned line = line_of(loader, checks[i].section, checks[i].name);
        loader->place = loader->path != NULL ? loader->path : "authbridge";
        if (line == COMMAND_LINE)
            snprintf(place, sizeof place, "--%s", checks[i].name);
        else if (line != 0)
            snprintf(place, sizeof place, "%s:%u", loader->path, line);
        if (line != 0)
            loader->place = place;
        checks[i].check(loader);
    }
}

static void load(struct loader *loader, const struct config_source *source)
{
    config_set_defaults(loader->config);
    if (source->file != NULL && !ini_file_read(source->file, take_setting, loader, loader->report))
        loader->failed = true;
    take_options(loader, source);
    loader->path = source->file;
    check_together(loader);
}

struct config *config_load(const struct config_source *source, FILE *report)
{
    struct loader loader = {
        .config = calloc(1, sizeof *loader.config),
        .path = source->file,
        .place = source->file,
        .lines = calloc(config_setting_count, sizeof *loader.lines),
        .report = report,
    };

    if (loader.config == NULL || loader.lines == NULL) {
        fputs("out of memory\n", report);
        loader.failed = true;
    } else {
        load(&loader, source);
    }
    free(loader.lines);
    if (!loader.failed)
        return loader.config;
    config_free(loader.config);
    return NULL;
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

struct config *config_read(const struct config_source *source)
{
    char *text = NULL;
    size_t len = 0;
    FILE *report = open_memstream(&text, &len);

    if (report == NULL)
        return NULL;
    struct config *config = config_load(source, report);
    fclose(report);
    log_report(text);
    free(text);
    return config;
}

static void free_fields(struct config_fields *fields)
{
    for (size_t i = 0; i < fields->count; i++)
        clear_field(&fields->items[i]);
    free(fields->items);
}

void config_free(struct config *config)
{
    if (config == NULL)
        return;
    free_fields(&config->request_fields);
    free_fields(&config->response_fields);
    target_free(&config->target);
    free(config->listen);
    free(config->allow);
    free(config->host);
    egress_free(&config->egress);
    free(config->tls.ca_file);
    free(config->tls.client_cert);
    free(config->tls.client_key);
    free(config->tls.server_name);
    free(config->tls.pinned_key);
    free(config);
}

bool config_allows(const struct config *config, const struct address *client)
{
    if (address_is_unix(client))
        return true; /* the socket's file mode decides */
    if (!config->has_allow)
        return address_is_loopback(client);
    for (size_t i = 0; i < config->allow_count; i++)
        if (address_range_contains(&config->allow[i], client))
            return true;
    return false;
}

struct http_limits config_request_limits(const struct config *config)
{
    return (struct http_limits){
        .head_bytes = (size_t)config->limits.request_head,
        .target_bytes = (size_t)config->limits.request_target,
        .fields = (size_t)config->limits.request_fields,
    };
}

size_t config_fields_bytes_max(const struct config_fields *fields)
{
    size_t bytes = 0;

    for (size_t i = 0; i < fields->count; i++)
        bytes += strlen(fields->items[i].name) + value_bytes_max(&fields->items[i].value) + 4;
    return bytes;
}
