/* config_set: reads the values of settings. */
#include <stdlib.h>
#include <string.h>

#include "config_loader.h"
#include "http_field.h"
#include "http_request.h"
#include "unit.h"

/* ---- values of each kind ---- */

static void set_number(struct config_loader *loader, const struct config_setting *setting,
                       const char *text, bool (*parse)(const char *, long long *),
                       void (*format)(long long, char *), const char *form)
{
    char low[UNIT_TEXT_BYTES];
    char high[UNIT_TEXT_BYTES];
    long long number;

    if (setting->max == (long long)CONFIG_UNLIMITED && strcmp(text, "unlimited") == 0) {
        *(long long *)config_member(loader->base, setting) = setting->max;
        return;
    }
    if (config_may_be_off(setting) && (strcmp(text, "off") == 0 || strcmp(text, "0") == 0)) {
        *(long long *)config_member(loader->base, setting) = 0;
        return;
    }
    if (!parse(text, &number)) {
        config_fault(loader, "%s = %s: give %s%s", setting->name, text, form,
                     setting->max == (long long)CONFIG_UNLIMITED ? ", or unlimited"
                     : config_may_be_off(setting)                ? ", or off"
                                                                 : "");
        return;
    }
    if (number < setting->min || number > setting->max) {
        format(setting->min, low);
        format(setting->max, high);
        if (setting->max == (long long)CONFIG_UNLIMITED)
            config_fault(loader, "%s = %s: give at least %s, or unlimited", setting->name, text,
                         low);
        else
            config_fault(loader, "%s = %s: give %s to %s", setting->name, text, low, high);
        return;
    }
    *(long long *)config_member(loader->base, setting) = number;
}

static void set_switch(struct config_loader *loader, const struct config_setting *setting,
                       const char *text)
{
    bool *value = config_member(loader->base, setting);

    if (strcmp(text, "on") != 0 && strcmp(text, "off") != 0)
        config_fault(loader, "%s = %s: give on or off", setting->name, text);
    else
        *value = strcmp(text, "on") == 0;
}

static void set_text(struct config_loader *loader, const struct config_setting *setting,
                     const char *text)
{
    char **value = config_member(loader->base, setting);

    if (text[0] == '\0') {
        config_fault(loader, "%s is empty: give a value, or take the line out", setting->name);
        return;
    }
    free(*value);
    *value = strdup(text);
    if (*value == NULL)
        config_fault(loader, "out of memory");
}

_Static_assert(sizeof(enum config_level) == sizeof(unsigned), "a choice is kept as unsigned");

/* Writes "a, b or c". */
static void list_names(const char *const *names, struct buffer *out)
{
    for (size_t i = 0; names[i] != NULL; i++) {
        if (i > 0)
            buffer_add_text(out, names[i + 1] != NULL ? ", " : " or ");
        buffer_add_text(out, names[i]);
    }
}

static void set_choice(struct config_loader *loader, const struct config_setting *setting,
                       const char *text)
{
    unsigned *value = config_member(loader->base, setting);
    char space[128];
    struct buffer list = {.at = space, .cap = sizeof space};

    for (unsigned i = 0; setting->names[i] != NULL; i++) {
        if (strcmp(text, setting->names[i]) == 0) {
            *value = i;
            return;
        }
    }
    list_names(setting->names, &list);
    config_fault(loader, "%s = %s: give %.*s", setting->name, text, (int)list.end, list.at);
}

/* Calls add with each element of a comma-separated list. */
static void for_each_element(struct config_loader *loader, const struct config_setting *setting,
                             const char *text,
                             void (*add)(struct config_loader *, const struct config_setting *,
                                         const char *))
{
    struct slice list = slice_of(text);
    struct slice element;

    while (http_list_next(&list, &element)) {
        char *copy = strndup(element.at, element.len);
        if (copy == NULL) {
            config_fault(loader, "out of memory");
            return;
        }
        add(loader, setting, copy);
        free(copy);
    }
}

static bool has_prefix(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Reads an address, whether it is for TLS, and whether the word for the PROXY protocol stands
 * behind it. */
static bool parse_listen(const char *text, struct config_listen *listen)
{
    const size_t word = strlen(CONFIG_PROXY_PROTOCOL);
    char address[ADDRESS_TEXT_BYTES];

    *listen = (struct config_listen){.tls = has_prefix(text, CONFIG_HTTPS)};
    if (listen->tls)
        text += strlen(CONFIG_HTTPS);
    struct slice rest = slice_of(text);
    if (rest.len > word && strcmp(text + rest.len - word, CONFIG_PROXY_PROTOCOL) == 0) {
        struct slice before = slice_trim((struct slice){text, rest.len - word});
        listen->proxy_protocol = before.len < rest.len - word;
        if (listen->proxy_protocol)
            rest = before;
    }
    return (size_t)snprintf(address, sizeof address, "%.*s", (int)rest.len, rest.at) <
               sizeof address &&
           address_parse(address, &listen->address);
}

void config_add_listen(struct config_loader *loader, const char *text)
{
    struct config *config = loader->config;
    struct config_listen listen;

    if (!parse_listen(text, &listen)) {
        config_fault(loader,
                     "listen = %s: give address:port, for example 127.0.0.1:8080, [::1]:8080 or "
                     "unix:/run/authbridge.sock, " CONFIG_HTTPS " before it where clients speak "
                     "TLS, and proxy_protocol behind it where a load balancer sends a PROXY header",
                     text);
        return;
    }
    for (size_t i = 0; i < config->listen_count; i++) {
        if (address_equals(&config->listen[i].address, &listen.address)) {
            config_fault(loader, "listen = %s stands twice", text);
            return;
        }
    }
    if (config->listen_count == CONFIG_LISTEN_MAX) {
        config_fault(loader, "listen has at most %u addresses", CONFIG_LISTEN_MAX);
        return;
    }
    struct config_listen *grown =
        realloc(config->listen, (config->listen_count + 1) * sizeof *config->listen);
    if (grown == NULL) {
        config_fault(loader, "out of memory");
        return;
    }
    config->listen = grown;
    config->listen[config->listen_count++] = listen;
}

static void add_range(struct config_loader *loader, const struct config_setting *setting,
                      const char *text)
{
    struct config_ranges *ranges = config_member(loader->base, setting);
    struct address_range range;

    if (!address_range_parse(text, &range)) {
        config_fault(loader,
                     "%s = %s: give addresses or networks whose host bits are zero, for example "
                     "10.0.0.0/8, 192.168.1.5, fd00::/8",
                     setting->name, text);
        return;
    }
    struct address_range *grown =
        realloc(ranges->items, (ranges->count + 1) * sizeof *ranges->items);
    if (grown == NULL) {
        config_fault(loader, "out of memory");
        return;
    }
    ranges->items = grown;
    ranges->items[ranges->count++] = range;
}

static void add_listen(struct config_loader *loader, const struct config_setting *setting,
                       const char *text)
{
    (void)setting;
    config_add_listen(loader, text);
}

static void set_listen(struct config_loader *loader, const struct config_setting *setting,
                       const char *text)
{
    loader->config->listen_count = 0;
    for_each_element(loader, setting, text, add_listen);
}

static void set_address(struct config_loader *loader, const struct config_setting *setting,
                        const char *text)
{
    if (has_prefix(text, CONFIG_HTTPS))
        config_fault(
            loader,
            "%s = %s: this page is served without TLS: give the address without " CONFIG_HTTPS
            ", a loopback one or a Unix socket",
            setting->name, text);
    else if (!address_parse(text, config_member(loader->base, setting)))
        config_fault(loader,
                     "%s = %s: give one address:port, for example 127.0.0.1:9180, [::1]:9180 or "
                     "unix:/run/authbridge-status.sock",
                     setting->name, text);
}

/* A secret of the bridge's own: what only a request has, or the keeper gets, has no place in it. */
static void set_value(struct config_loader *loader, const struct config_setting *setting,
                      const char *text)
{
    struct value *value = config_member(loader->base, setting);
    char error[VALUE_ERROR_BYTES];

    value_free(value);
    if (!value_compile(text, value, error)) {
        config_fault(loader, "%s: %s", setting->name, error);
        return;
    }
    for (size_t i = 0; i < value->count; i++)
        if (value->parts[i].kind != VALUE_LITERAL && value->parts[i].kind != VALUE_SECRET &&
            value->parts[i].kind != VALUE_FILE)
            config_fault(loader,
                         "%s: only ${env:NAME}, ${file:/path} and ${cred:name} can be used here",
                         setting->name);
}

static void set_target(struct config_loader *loader, const struct config_setting *setting,
                       const char *text)
{
    struct target *target = config_member(loader->base, setting);
    char error[TARGET_ERROR_BYTES];

    target_free(target);
    if (!target_parse(text, target, error))
        config_fault(loader, "target = %s: %s", strchr(text, '@') != NULL ? "***" : text, error);
}

static void set_host(struct config_loader *loader, const struct config_setting *setting,
                     const char *text)
{
    if (http_is_authority(slice_of(text)))
        set_text(loader, setting, text);
    else
        config_fault(loader, "%s = %s: give host or host:port, for example preprod.example.com",
                     setting->name, strchr(text, '@') != NULL ? "***" : text);
}

/* Octets of a path that every target reads in one way: pchar (RFC 3986 3.3) but for parameters and
 * percent-encoding. */
#define PATH_OCTETS                                                                                \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,=:@/"

static const char *fault_of_path(const char *path)
{
    size_t len = strlen(path);

    if (path[0] != '/')
        return "begin it with a slash";
    if (strspn(path, PATH_OCTETS) != len)
        return "of what a path may hold, leave out ?, #, ; and % with what follows them";
    if (strstr(path, "//") != NULL)
        return "write one slash, not two";
    if (len > 1 && path[len - 1] == '/')
        return "without the slash at its end it stands for all that is below, too";
    if (strstr(path, "/./") != NULL || strstr(path, "/../") != NULL || strcmp(path, "/.") == 0 ||
        (len >= 2 && strcmp(path + len - 2, "/.") == 0) ||
        (len >= 3 && strcmp(path + len - 3, "/..") == 0))
        return "write it without the segments . and ..";
    return len > CONFIG_MATCH_PATH_MAX ? "it is too long" : NULL;
}

static void set_path(struct config_loader *loader, const struct config_setting *setting,
                     const char *text)
{
    const char *fault = fault_of_path(text);

    if (fault == NULL)
        set_text(loader, setting, text);
    else
        config_fault(loader, "path = %.80s: %s, for example /payments", text, fault);
}

/* Reads one method into the list. NULL, or what is wrong with it. */
static const char *add_method(struct slice method, struct buffer *list)
{
    struct slice others = buffer_content(list);
    struct slice other;

    if (!http_is_token(method))
        return "give all, or methods with commas between, for example GET, HEAD, OPTIONS";
    if (slice_equals_nocase(method, slice_of("CONNECT")) ||
        slice_equals_nocase(method, slice_of("TRACE")))
        return "CONNECT and TRACE are never served";
    for (size_t i = 0; i < method.len; i++)
        if (method.at[i] >= 'a' && method.at[i] <= 'z')
            return "methods have capital letters, for example GET, HEAD, OPTIONS";
    while (others.len > 0 && http_list_next(&others, &other))
        if (slice_equals(method, other))
            return "one stands twice";
    if (buffer_length(list) > 0)
        buffer_add_text(list, ", ");
    buffer_add(list, method);
    return list->overflowed ? "the list is too long" : NULL;
}

static void set_methods(struct config_loader *loader, const struct config_setting *setting,
                        const char *text)
{
    char **value = config_member(loader->base, setting);
    char space[CONFIG_METHODS_MAX + 1];
    struct buffer list = {.at = space, .cap = CONFIG_METHODS_MAX};
    struct slice rest = slice_of(text);
    const char *fault = NULL;
    struct slice method;

    free(*value);
    *value = NULL;
    if (strcmp(text, "all") == 0)
        return;
    while (fault == NULL && http_list_next(&rest, &method))
        fault = add_method(method, &list);
    if (fault != NULL) {
        config_fault(loader, "methods = %.80s: %s", text, fault);
        return;
    }
    space[list.end] = '\0';
    set_text(loader, setting, space);
}

static void set_list(struct config_loader *loader, const struct config_setting *setting,
                     const char *text)
{
    switch (setting->kind) {
    case CONFIG_RANGES:
        for_each_element(loader, setting, text, add_range);
        break;
    case CONFIG_HOSTS:
        for_each_element(loader, setting, text, config_add_host);
        break;
    case CONFIG_ORIGINS:
        for_each_element(loader, setting, text, config_add_origin);
        break;
    default:
        for_each_element(loader, setting, text, config_add_token);
        break;
    }
}

void config_set_value(struct config_loader *loader, const struct config_setting *setting,
                      const char *text)
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
    case CONFIG_CHOICE:
        set_choice(loader, setting, text);
        break;
    case CONFIG_ADDRESS:
        set_address(loader, setting, text);
        break;
    case CONFIG_LISTEN:
        set_listen(loader, setting, text);
        break;
    case CONFIG_TARGET:
        set_target(loader, setting, text);
        break;
    case CONFIG_EGRESS:
        config_set_egress(loader, text);
        break;
    case CONFIG_METHODS:
        set_methods(loader, setting, text);
        break;
    case CONFIG_PATH:
        set_path(loader, setting, text);
        break;
    case CONFIG_VALUE:
        set_value(loader, setting, text);
        break;
    case CONFIG_RANGES:
    case CONFIG_HOSTS:
    case CONFIG_ORIGINS:
    case CONFIG_NAMES:
        set_list(loader, setting, text);
        break;
    }
}
