/* config_describe: what a configuration means, for people. */
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "config_table.h"
#include "unit.h"

static void print_listen(const struct config *config, FILE *out)
{
    char text[ADDRESS_TEXT_BYTES];

    for (size_t i = 0; i < config->listen_count; i++) {
        address_format(&config->listen[i].address, text);
        fprintf(out, "%s%s%s%s", i > 0 ? ", " : "", config->listen[i].tls ? CONFIG_HTTPS : "", text,
                config->listen[i].proxy_protocol ? " " CONFIG_PROXY_PROTOCOL : "");
    }
}

static void print_address(const struct address *address, FILE *out)
{
    char text[ADDRESS_TEXT_BYTES] = "not set";

    if (address->len > 0)
        address_format(address, text);
    fputs(text, out);
}

static void print_range(const struct address_range *range, FILE *out)
{
    char text[ADDRESS_TEXT_BYTES];

    address_range_format(range, text);
    fputs(text, out);
}

static void print_ranges(const struct config_ranges *ranges, const char *when_not_set, FILE *out)
{
    if (ranges->count == 0)
        fputs(when_not_set, out);
    for (size_t i = 0; i < ranges->count; i++) {
        if (i > 0)
            fputs(", ", out);
        print_range(&ranges->items[i], out);
    }
}

static void print_texts(const struct config_texts *texts, FILE *out)
{
    if (texts->count == 0)
        fputs("not set", out);
    for (size_t i = 0; i < texts->count; i++)
        fprintf(out, "%s%s", i > 0 ? ", " : "", texts->items[i]);
}

static void print_target(const struct target *target, FILE *out)
{
    if (target->url == NULL)
        fputs("not set", out);
    else if (target->unix_path != NULL)
        fputs(target->name, out);
    else
        fprintf(out, "%s://%s%s", target->is_https ? "https" : "http", target->authority,
                target->base_path);
}

static void print_count(long long count, FILE *out)
{
    if (count == (long long)CONFIG_UNLIMITED)
        fputs("unlimited", out);
    else
        fprintf(out, "%lld", count);
}

static void print_size(long long bytes, FILE *out)
{
    char text[UNIT_TEXT_BYTES];

    unit_format_size(bytes, text);
    fputs(bytes == (long long)CONFIG_UNLIMITED ? "unlimited" : text, out);
}

static void print_duration(long long milliseconds, FILE *out)
{
    char text[UNIT_TEXT_BYTES] = "not set";

    if (milliseconds != CONFIG_NOT_SET)
        unit_format_duration(milliseconds, text);
    fputs(text, out);
}

static void print_methods(const char *methods, FILE *out)
{
    fputs(methods != NULL ? methods : "all", out);
}

/* base is the struct that has the setting as a member. */
static void print_value(const struct config *config, const void *base,
                        const struct config_setting *setting, FILE *out)
{
    const void *member = (const char *)base + setting->offset;

    if (config_may_be_off(setting) && *(const long long *)member == 0) {
        fputs("off", out);
        return;
    }
    switch (setting->kind) {
    case CONFIG_DURATION:
        print_duration(*(const long long *)member, out);
        break;
    case CONFIG_SIZE:
        print_size(*(const long long *)member, out);
        break;
    case CONFIG_VALUE:
        fputs("***", out);
        break;
    case CONFIG_COUNT:
        print_count(*(const long long *)member, out);
        break;
    case CONFIG_SWITCH:
        fputs(*(const bool *)member ? "on" : "off", out);
        break;
    case CONFIG_TEXT:
    case CONFIG_HOST:
    case CONFIG_PATH:
        fputs(*(char *const *)member != NULL ? *(char *const *)member : "not set", out);
        break;
    case CONFIG_CHOICE:
        fputs(setting->names[*(const unsigned *)member], out);
        break;
    case CONFIG_ADDRESS:
        print_address(member, out);
        break;
    case CONFIG_LISTEN:
        print_listen(config, out);
        break;
    case CONFIG_TARGET:
        print_target(&config->target, out);
        break;
    case CONFIG_EGRESS:
        fputs(config->egress.url != NULL ? config->egress.shown : "none", out);
        break;
    case CONFIG_HOSTS:
    case CONFIG_ORIGINS:
    case CONFIG_NAMES:
        print_texts(member, out);
        break;
    case CONFIG_METHODS:
        print_methods(config->methods, out);
        break;
    case CONFIG_RANGES:
        print_ranges(member, member == &config->allow ? "loopback addresses" : "none", out);
        break;
    }
}

static void print_fields(const char *section, const struct config_fields *fields,
                         bool hide_literals, FILE *out)
{
    struct buffer text;

    fprintf(out, "[%s]\n", section);
    for (size_t i = 0; i < fields->count; i++) {
        const struct config_field *field = &fields->items[i];
        if (!buffer_init(&text, value_bytes_max(&field->value) + 64 * (field->value.count + 1)))
            return;
        value_describe(&field->value, hide_literals, &text);
        fprintf(out, "%s = %.*s%s    ; %s\n", field->name, (int)buffer_length(&text), text.at,
                field->removes ? "(removed)" : "", field->origin);
        buffer_free(&text);
    }
    if (fields->count == 0)
        fputs("; none\n", out);
    fputc('\n', out);
}

static void print_section(const struct config *config, const char *section, FILE *out)
{
    fprintf(out, "[%s]\n", section);
    for (size_t i = 0; i < config_setting_count; i++) {
        if (strcmp(config_settings[i].section, section) != 0)
            continue;
        fprintf(out, "%s = ", config_settings[i].name);
        print_value(config, config, &config_settings[i], out);
        fputc('\n', out);
    }
    fputc('\n', out);
}

/* Of a command the program alone is shown: there may be a secret among its words. */
static void print_token(const struct config *config, const struct config_token *token, FILE *out)
{
    fprintf(out, "[token:%s]\n", token->name);
    for (size_t i = 0; i < config_token_setting_count; i++) {
        const struct config_setting *setting = &config_token_settings[i];
        if (!config_token_has(token, setting->name))
            continue;
        fprintf(out, "%s = ", setting->name);
        if (strcmp(setting->name, "command") == 0)
            fprintf(out, "%s%s", token->argv[0], token->argv[1] != NULL ? " ***" : "");
        else
            print_value(config, token, setting, out);
        fputc('\n', out);
    }
    fputc('\n', out);
}

/* ---- routes ---- */

#define COLUMNS 4

/* The columns of the routes' table, but for the last; the first row is their heading. */
static const char *cell(const struct config *config, size_t row, size_t column)
{
    static const char *const heading[COLUMNS] = {"; route", "host", "path", "methods"};

    if (row == 0)
        return heading[column];
    const struct config_route *route = &config->routes[row - 1];
    const char *const cells[COLUMNS] = {
        route->section != NULL ? route->name : "[proxy]",
        route->match_host != NULL ? route->match_host : "any",
        route->match_path != NULL ? route->match_path : "any",
        route->methods != NULL ? route->methods : "all",
    };
    return cells[column];
}

static void print_table(const struct config *config, FILE *out)
{
    size_t widths[COLUMNS] = {0};

    for (size_t row = 0; row <= config->route_count; row++)
        for (size_t i = 0; i < COLUMNS; i++)
            if (strlen(cell(config, row, i)) > widths[i])
                widths[i] = strlen(cell(config, row, i));
    for (size_t row = 0; row <= config->route_count; row++) {
        for (size_t i = 0; i < COLUMNS; i++)
            fprintf(out, "%-*s  ", (int)widths[i], cell(config, row, i));
        if (row == 0)
            fputs("target", out);
        else
            print_target(config->routes[row - 1].target, out);
        if (row > 0 && config->routes[row - 1].strip_path)
            fputs(", without the path", out);
        if (row > 0 && config->routes[row - 1].reflect_guard != config->reflect_guard)
            fprintf(out, ", reflect_guard = %s",
                    config_guard_names[config->routes[row - 1].reflect_guard]);
        fputc('\n', out);
    }
}

static void print_own_fields(const struct config_route_section *section, FILE *out)
{
    char name[64];

    snprintf(name, sizeof name, "route:%s request-headers", section->name);
    if (section->request_fields.count > 0)
        print_fields(name, &section->request_fields, true, out);
    snprintf(name, sizeof name, "route:%s response-headers", section->name);
    if (section->response_fields.count > 0)
        print_fields(name, &section->response_fields, false, out);
}

/* In the order in which they are tried. */
static void print_routes(const struct config *config, FILE *out)
{
    if (config->section_count == 0)
        return;
    print_table(config, out);
    if (config->target.url == NULL)
        fputs("; all others get 404\n", out);
    fputc('\n', out);
    for (size_t i = 0; i < config->route_count; i++) {
        const struct config_route_section *section = config->routes[i].section;
        if (section == NULL)
            continue;
        if (section->send_host != NULL)
            fprintf(out, "[route:%s]\nsend_host = %s\n\n", section->name, section->send_host);
        print_own_fields(section, out);
    }
}

void config_describe(const struct config *config, FILE *out)
{
    static const char *const sections[] = {"timeouts", "limits",  "tls", "listen-tls", "access",
                                           "cors",     "rewrite", "log", "status"};

    print_section(config, "proxy", out);
    print_routes(config, out);
    print_fields("request-headers", &config->request_fields, true, out);
    print_fields("response-headers", &config->response_fields, false, out);
    for (size_t i = 0; i < config->tokens.count; i++)
        print_token(config, &config->tokens.items[i], out);
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++)
        print_section(config, sections[i], out);
}
