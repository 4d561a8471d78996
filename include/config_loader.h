/* config_loader: what the parts of a load share: config takes the settings from file and command
 * line, config_set reads their values, config_check sees what they mean together. */
#ifndef AUTHBRIDGE_CONFIG_LOADER_H
#define AUTHBRIDGE_CONFIG_LOADER_H

#include <limits.h>

#include "config.h"
#include "config_table.h"

#define CONFIG_COMMAND_LINE UINT_MAX /* in place of a line's number */

/* One load in progress. */
struct config_loader {
    struct config *config;
    const struct config_source *source;
    void *base;        /* the struct that the setting at hand is a member of */
    const char *path;  /* NULL: from the command line */
    const char *place; /* where the setting at hand stands: "proxy.ini:12" or "--target" */
    char place_space[CONFIG_PLACE_BYTES]; /* for a place that is made up later */
    unsigned *lines; /* of each setting of the table; 0: not set; or CONFIG_COMMAND_LINE */
    unsigned line;   /* of the setting at hand */
    FILE *report;
    bool failed;
};

/* Reports a fault of the setting at hand: one line, a printf format without a newline. */
__attribute__((format(printf, 2, 3))) void config_fault(struct config_loader *loader,
                                                        const char *format, ...);

/* Reads a setting's value into the configuration, or reports what would be right. */
void config_set_value(struct config_loader *loader, const struct config_setting *setting,
                      const char *text);

/* Whether a section is one of a route's, also one whose name is wrong; and takes a line of it. */
bool config_is_route(const char *section);
void config_take_route_line(struct config_loader *loader, const char *section, const char *name,
                            const char *text);

/* What may stand in a fault: anything else than a setting's name may be a value. */
const char *config_shown_name(const char *name);

/* Checks the routes' sections by themselves; then makes the routes, and checks those. */
void config_check_sections(struct config_loader *loader);
void config_check_routes(struct config_loader *loader);
void config_free_sections(struct config *config);

/* The line in which a route's section has a setting, 0 when it is not set. */
unsigned config_route_line(const struct config_route_section *section, const char *name);

/* Adds a field to one of the header sections; an option replaces a field of the file. */
void config_set_field(struct config_loader *loader, struct config_fields *fields, const char *name,
                      const char *text);
void config_clear_field(struct config_field *field);
void config_free_fields(struct config_fields *fields);

/* Reads the outgoing proxy. */
void config_set_egress(struct config_loader *loader, const char *text);

/* Adds an element to a list of texts, or reports what would be right. */
void config_add_host(struct config_loader *loader, const struct config_setting *setting,
                     const char *text);
void config_add_origin(struct config_loader *loader, const struct config_setting *setting,
                       const char *text);
void config_add_token(struct config_loader *loader, const struct config_setting *setting,
                      const char *text);
void config_clear_texts(struct config_texts *texts);

/* Adds one listen address. */
void config_add_listen(struct config_loader *loader, const char *text);

/* Takes a line of [token:NAME]; name and text are NULL for the section's own line. */
void config_take_token_line(struct config_loader *loader, const char *token, const char *name,
                            const char *text);

/* Checks the tokens, and leads the ${token:NAME} of all routes to them. */
void config_tokens_conclude(struct config_loader *loader);
void config_tokens_free(struct config *config);

/* Finds the host names that are to be looked up, once there are routes. */
void config_names_conclude(struct config_loader *loader);
void config_names_free(struct config *config);

void config_routes_free(struct config *config);

/* Reports what does not go with [cors], once the routes are made. */
void config_check_cors(struct config_loader *loader);

/* Makes their guards, and warns of secrets that these cannot look for. */
void config_guards_conclude(struct config_loader *loader);
void config_guards_free(struct config *config);

/* Fills in what follows from other settings, and reports what does not fit together. */
void config_check(struct config_loader *loader);

#endif
