/* config_table: every setting of proxy.ini outside the header sections: where it stands, what it
 * may be, what it is when not set, and where the struct keeps it. */
#ifndef AUTHBRIDGE_CONFIG_TABLE_H
#define AUTHBRIDGE_CONFIG_TABLE_H

#include <stddef.h>

#include "config.h"

#define CONFIG_SECTIONS                                                                            \
    "[proxy], [request-headers], [response-headers], [timeouts], [limits], [tls], [listen-tls], "  \
    "[access], [rewrite], [log], [status]"

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
};

struct config_setting {
    const char *section;
    const char *name;
    enum config_kind kind;
    size_t offset;
    long long min, max, initial; /* numbers, switches and choices */
    const char *const *names;    /* of a choice, NULL behind the last */
};

extern const struct config_setting config_settings[];
extern const size_t config_setting_count;

/* Where the struct keeps a setting. */
void *config_member(struct config *config, const struct config_setting *setting);

/* Fills in what each setting is when it is not set. */
void config_set_defaults(struct config *config);

/* The names of a section's settings, separated by commas; valid until the next call. */
const char *config_names_of(const char *section);

#endif
