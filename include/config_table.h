/* config_table: every setting of proxy.ini outside the header sections: where it stands, what it
 * may be, what it is when not set, and where the struct keeps it. */
#ifndef AUTHBRIDGE_CONFIG_TABLE_H
#define AUTHBRIDGE_CONFIG_TABLE_H

#include <stddef.h>

#include "config.h"

#define CONFIG_SECTIONS                                                                            \
    "[proxy], [route:NAME], [request-headers], [response-headers], [token:NAME], [timeouts], "     \
    "[limits], [tls], [listen-tls], [access], [cors], [rewrite], [log], [status]"

#define CONFIG_TOKEN_PREFIX "token:" /* of the section of a token */

/* Behind an address of listen. */
#define CONFIG_PROXY_PROTOCOL "proxy_protocol"

/* Before one. */
#define CONFIG_HTTPS "https://"

enum config_kind {
    CONFIG_DURATION, /* long long, milliseconds */
    CONFIG_SIZE,     /* long long, bytes; max CONFIG_UNLIMITED allows "unlimited" */
    CONFIG_COUNT,    /* long long */
    CONFIG_SWITCH,   /* bool */
    CONFIG_TEXT,     /* char *, owned */
    CONFIG_HOST,     /* char *, owned: host[:port] */
    CONFIG_CHOICE,   /* an enum, its values in the order of their names */
    CONFIG_ADDRESS,  /* struct address */
    CONFIG_LISTEN,   /* struct config_listen array */
    CONFIG_TARGET,   /* struct target */
    CONFIG_EGRESS,   /* struct egress */
    CONFIG_RANGES,   /* struct config_ranges */
    CONFIG_HOSTS,    /* struct config_texts: patterns of authorities */
    CONFIG_VALUE,    /* struct value, without what a request or the keeper gives */
    CONFIG_ORIGINS,  /* struct config_texts: scheme://host[:port], or "*" */
    CONFIG_NAMES,    /* struct config_texts: names of methods or fields, or "*" */
    CONFIG_METHODS,  /* char *, owned: a list in Allow's form; NULL: all */
    CONFIG_PATH,     /* char *, owned: of requests */
};

struct config_setting {
    const char *section; /* NULL: of [token:NAME] */
    const char *name;
    enum config_kind kind;
    size_t offset;
    long long min, max, initial; /* numbers, switches and choices */
    const char *const *names;    /* of a choice, NULL behind the last */
};

extern const struct config_setting config_settings[];
extern const size_t config_setting_count;

/* Those of a [token:NAME], their offsets in struct config_token. */
extern const struct config_setting config_token_settings[];
extern const size_t config_token_setting_count;

/* Those of a [route:NAME], their offsets in struct config_route_section. */
extern const char *const config_guard_names[]; /* of enum config_guard */

extern const struct config_setting config_route_settings[];
extern const size_t config_route_setting_count;

/* Whether a number may be given as off, which is 0. */
bool config_may_be_off(const struct config_setting *setting);

/* Where the struct keeps a setting. */
void *config_member(void *base, const struct config_setting *setting);

/* Fills in what each setting is when it is not set. */
void config_set_defaults(void *base, const struct config_setting *settings, size_t count);

/* The names of a section's settings (NULL: a token's), separated by commas; valid until the next
 * call. */
const char *config_names_of(const char *section);
const char *config_names_of_route(void);

#endif
