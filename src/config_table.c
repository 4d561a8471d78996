/* config_table: every setting of proxy.ini outside the header sections. */
#include "config_table.h"

#include <stdio.h>
#include <string.h>

#define AT(member) offsetof(struct config, member)
#define DAY_MS     86400000LL
#define KIB        1024LL
#define MIB        (1024LL * KIB)
#define NO_LIMIT   ((long long)CONFIG_UNLIMITED)

/* What stands behind the member. */
#define NUMBER(min, max, initial) (min), (max), (initial), NULL
#define NO_NUMBER                 NUMBER(0, 0, 0)
#define DURATION(initial)         NUMBER(1, DAY_MS, initial)
#define DURATION_OR_OFF(initial)  NUMBER(0, DAY_MS, initial)
#define SWITCH(initial)           NUMBER(0, 1, initial)
#define CHOICE(names, initial)    0, 0, (initial), (names)

static const char *const client_auth_names[] = {"require", "request", NULL};
static const char *const version_names[] = {"1.2", "1.3", NULL};
static const char *const level_names[] = {"error", "warning", "info", "debug", NULL};
static const char *const forwarded_names[] = {"off", "x-forwarded", "rfc7239", NULL};
static const char *const cross_site_names[] = {"refuse", "allow", NULL};
const char *const config_guard_names[] = {"off", "mask", "block", NULL};
static const char *const format_names[] = {"text", "json", "combined", NULL};

const struct config_setting config_settings[] = {
    {"proxy", "listen", CONFIG_LISTEN, AT(listen), NO_NUMBER},
    {"proxy", "target", CONFIG_TARGET, AT(target), NO_NUMBER},
    {"proxy", "host", CONFIG_HOST, AT(host), NO_NUMBER},
    {"proxy", "user", CONFIG_TEXT, AT(user), NO_NUMBER},
    {"proxy", "egress", CONFIG_EGRESS, AT(egress), NO_NUMBER},
    {"proxy", "methods", CONFIG_METHODS, AT(methods), NO_NUMBER},
    {"proxy", "forwarded", CONFIG_CHOICE, AT(forwarded), CHOICE(forwarded_names, FORWARDED_OFF)},
    {"proxy", "reflect_guard", CONFIG_CHOICE, AT(reflect_guard),
     CHOICE(config_guard_names, GUARD_OFF)},
    {"proxy", "via", CONFIG_SWITCH, AT(via), SWITCH(false)},
    {"proxy", "dns_ttl", CONFIG_DURATION, AT(dns_ttl), DURATION_OR_OFF(30000)},
    {"proxy", "standby", CONFIG_COUNT, AT(standby), NUMBER(0, 64, 4)},
    {"proxy", "preconnect", CONFIG_SWITCH, AT(preconnect), SWITCH(true)},
    {"proxy", "recycle", CONFIG_COUNT, AT(recycle), NUMBER(1, 100000, 1)},

    {"timeouts", "connect", CONFIG_DURATION, AT(timeouts.connect), DURATION(10000)},
    {"timeouts", "request_head", CONFIG_DURATION, AT(timeouts.request_head), DURATION(15000)},
    {"timeouts", "client_idle", CONFIG_DURATION, AT(timeouts.client_idle), DURATION(60000)},
    {"timeouts", "client_write", CONFIG_DURATION, AT(timeouts.client_write), DURATION(60000)},
    {"timeouts", "response", CONFIG_DURATION, AT(timeouts.response), DURATION(60000)},
    {"timeouts", "tunnel_idle", CONFIG_DURATION, AT(timeouts.tunnel_idle), DURATION(3600000)},
    {"timeouts", "drain", CONFIG_DURATION, AT(timeouts.drain), DURATION(30000)},

    {"limits", "connections", CONFIG_COUNT, AT(limits.connections), NUMBER(1, 100000, 512)},
    {"limits", "connections_per_client", CONFIG_COUNT, AT(limits.connections_per_client),
     NUMBER(1, NO_LIMIT, NO_LIMIT)},
    {"limits", "request_head", CONFIG_SIZE, AT(limits.request_head), NUMBER(KIB, MIB, 64 * KIB)},
    {"limits", "request_fields", CONFIG_COUNT, AT(limits.request_fields), NUMBER(1, 10000, 200)},
    {"limits", "request_target", CONFIG_SIZE, AT(limits.request_target), NUMBER(64, MIB, 16 * KIB)},
    {"limits", "request_body", CONFIG_SIZE, AT(limits.request_body), NUMBER(0, NO_LIMIT, NO_LIMIT)},
    {"limits", "replay_body", CONFIG_SIZE, AT(limits.replay_body), NUMBER(0, 16 * MIB, 64 * KIB)},

    {"tls", "verify", CONFIG_SWITCH, AT(tls.verify), SWITCH(true)},
    {"tls", "ca_file", CONFIG_TEXT, AT(tls.ca_file), NO_NUMBER},
    {"tls", "client_cert", CONFIG_TEXT, AT(tls.client_cert), NO_NUMBER},
    {"tls", "client_key", CONFIG_TEXT, AT(tls.client_key), NO_NUMBER},
    {"tls", "server_name", CONFIG_TEXT, AT(tls.server_name), NO_NUMBER},
    {"tls", "pinned_key", CONFIG_TEXT, AT(tls.pinned_key), NO_NUMBER},

    {"listen-tls", "cert", CONFIG_TEXT, AT(listen_tls.cert), NO_NUMBER},
    {"listen-tls", "key", CONFIG_TEXT, AT(listen_tls.key), NO_NUMBER},
    {"listen-tls", "client_ca", CONFIG_TEXT, AT(listen_tls.client_ca), NO_NUMBER},
    {"listen-tls", "client_auth", CONFIG_CHOICE, AT(listen_tls.client_auth),
     CHOICE(client_auth_names, CLIENT_AUTH_REQUIRE)},
    {"listen-tls", "min_version", CONFIG_CHOICE, AT(listen_tls.min_version),
     CHOICE(version_names, TLS_FROM_1_2)},

    {"access", "allow", CONFIG_RANGES, AT(allow), NO_NUMBER},
    {"access", "trusted", CONFIG_RANGES, AT(trusted), NO_NUMBER},
    {"access", "hosts", CONFIG_HOSTS, AT(hosts), NO_NUMBER},
    {"access", "users", CONFIG_TEXT, AT(users_file), NO_NUMBER},
    {"access", "cross_site", CONFIG_CHOICE, AT(cross_site),
     CHOICE(cross_site_names, CROSS_SITE_REFUSE)},

    {"cors", "origins", CONFIG_ORIGINS, AT(cors.origins), NO_NUMBER},
    {"cors", "methods", CONFIG_NAMES, AT(cors.methods), NO_NUMBER},
    {"cors", "headers", CONFIG_NAMES, AT(cors.headers), NO_NUMBER},
    {"cors", "expose", CONFIG_NAMES, AT(cors.expose), NO_NUMBER},
    {"cors", "credentials", CONFIG_SWITCH, AT(cors.credentials), SWITCH(false)},
    {"cors", "max_age", CONFIG_DURATION, AT(cors.max_age), NUMBER(0, DAY_MS, 600000)},

    {"rewrite", "location", CONFIG_SWITCH, AT(rewrite.location), SWITCH(false)},
    {"rewrite", "cookies", CONFIG_SWITCH, AT(rewrite.cookies), SWITCH(false)},
    {"rewrite", "origin", CONFIG_SWITCH, AT(rewrite.origin), SWITCH(false)},

    {"log", "level", CONFIG_CHOICE, AT(log_level), CHOICE(level_names, LEVEL_INFO)},
    {"log", "access", CONFIG_SWITCH, AT(log_access), SWITCH(true)},
    {"log", "format", CONFIG_CHOICE, AT(log_format), CHOICE(format_names, FORMAT_TEXT)},
    {"log", "log_query", CONFIG_SWITCH, AT(log_query), SWITCH(true)},

    {"status", "listen", CONFIG_ADDRESS, AT(status_listen), NO_NUMBER},
};
const size_t config_setting_count = sizeof config_settings / sizeof config_settings[0];

#define TOKEN(name) NULL, #name
#define IN(member)  offsetof(struct config_token, member)
#define UNSET       ((long long)CONFIG_NOT_SET)

static const char *const type_names[] = {"oauth2", "command", "file", NULL};
static const char *const auth_names[] = {"basic", "post", NULL};

const struct config_setting config_token_settings[] = {
    {TOKEN(type), CONFIG_CHOICE, IN(type), CHOICE(type_names, TOKEN_TYPES)},
    {TOKEN(token_url), CONFIG_TEXT, IN(token_url), NO_NUMBER},
    {TOKEN(client_id), CONFIG_VALUE, IN(client_id), NO_NUMBER},
    {TOKEN(client_secret), CONFIG_VALUE, IN(client_secret), NO_NUMBER},
    {TOKEN(client_auth), CONFIG_CHOICE, IN(client_auth), CHOICE(auth_names, TOKEN_AUTH_BASIC)},
    {TOKEN(scope), CONFIG_TEXT, IN(scope), NO_NUMBER},
    {TOKEN(audience), CONFIG_TEXT, IN(audience), NO_NUMBER},
    {TOKEN(ca_file), CONFIG_TEXT, IN(ca_file), NO_NUMBER},
    {TOKEN(allow_http), CONFIG_SWITCH, IN(allow_http), SWITCH(false)},
    {TOKEN(command), CONFIG_TEXT, IN(command), NO_NUMBER},
    {TOKEN(file), CONFIG_TEXT, IN(file), NO_NUMBER},
    {TOKEN(timeout), CONFIG_DURATION, IN(timeout), DURATION(10000)},
    {TOKEN(wait), CONFIG_DURATION, IN(wait), DURATION_OR_OFF(5000)},
    {TOKEN(lifetime), CONFIG_DURATION, IN(lifetime), DURATION(UNSET)},
    {TOKEN(refresh_margin), CONFIG_DURATION, IN(refresh_margin), DURATION(UNSET)},
};
const size_t config_token_setting_count =
    sizeof config_token_settings / sizeof config_token_settings[0];

bool config_may_be_off(const struct config_setting *setting)
{
    return (setting->kind == CONFIG_DURATION || setting->kind == CONFIG_SIZE) &&
           setting->min == 0 && setting->max != NO_LIMIT;
}

#define IN_ROUTE(member) offsetof(struct config_route_section, member)

const struct config_setting config_route_settings[] = {
    {"route", "path", CONFIG_PATH, IN_ROUTE(path), NO_NUMBER},
    {"route", "host", CONFIG_HOST, IN_ROUTE(host), NO_NUMBER},
    {"route", "target", CONFIG_TARGET, IN_ROUTE(target), NO_NUMBER},
    {"route", "send_host", CONFIG_HOST, IN_ROUTE(send_host), NO_NUMBER},
    {"route", "strip_path", CONFIG_SWITCH, IN_ROUTE(strip_path), SWITCH(false)},
    {"route", "methods", CONFIG_METHODS, IN_ROUTE(methods), NO_NUMBER},
    {"route", "reflect_guard", CONFIG_CHOICE, IN_ROUTE(reflect_guard),
     CHOICE(config_guard_names, GUARD_OFF)},
};
const size_t config_route_setting_count =
    sizeof config_route_settings / sizeof config_route_settings[0];

void *config_member(void *base, const struct config_setting *setting)
{
    return (char *)base + setting->offset;
}

void config_set_defaults(void *base, const struct config_setting *settings, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct config_setting *setting = &settings[i];
        void *member = config_member(base, setting);

        if (setting->kind == CONFIG_DURATION || setting->kind == CONFIG_SIZE ||
            setting->kind == CONFIG_COUNT)
            *(long long *)member = setting->initial;
        else if (setting->kind == CONFIG_SWITCH)
            *(bool *)member = setting->initial != 0;
        else if (setting->kind == CONFIG_CHOICE)
            *(unsigned *)member = (unsigned)setting->initial;
    }
}

static const char *list_names(const struct config_setting *settings, size_t count,
                              const char *section)
{
    static char names[256];
    size_t len = 0;

    names[0] = '\0';
    for (size_t i = 0; i < count; i++)
        if ((section == NULL || strcmp(settings[i].section, section) == 0) && len < sizeof names)
            len += (size_t)snprintf(names + len, sizeof names - len, "%s%s", len > 0 ? ", " : "",
                                    settings[i].name);
    return names;
}

const char *config_names_of(const char *section)
{
    return section != NULL ? list_names(config_settings, config_setting_count, section)
                           : list_names(config_token_settings, config_token_setting_count, NULL);
}

const char *config_names_of_route(void)
{
    return list_names(config_route_settings, config_route_setting_count, "route");
}
