/* explain_cause: why a line of a request is not as it came: a line of proxy.ini, or a rule. */
#ifndef AUTHBRIDGE_EXPLAIN_CAUSE_H
#define AUTHBRIDGE_EXPLAIN_CAUSE_H

#include <stdbool.h>

#include "config.h"
#include "http_request.h"

#define EXPLAIN_CAUSE_BYTES (CONFIG_PLACE_BYTES + 256u)

/* Nobody in particular, for the bridge's own fields. */
extern const struct value_context explain_any_client;

/* Each writes a cause of one line. */

/* A setting of [proxy], and where it stands: "proxy.ini:3, target". */
void explain_cause_of_setting(const struct config_route *route, const char *name,
                              char cause[EXPLAIN_CAUSE_BYTES]);

/* The setting that Host's value comes from. */
void explain_cause_of_host(const struct config_route *route, char cause[EXPLAIN_CAUSE_BYTES]);

/* A field of the client that was taken out, or goes on with another value. */
void explain_cause_of_removal(const struct config_route *route, const struct http_request *request,
                              const struct http_field *field, char cause[EXPLAIN_CAUSE_BYTES]);
void explain_cause_of_change(const struct config_route *route, const struct http_field *field,
                             char cause[EXPLAIN_CAUSE_BYTES]);

/* A field that was added, by [request-headers] if it is_configured. */
void explain_cause_of_addition(const struct config_route *route, struct slice name,
                               bool is_configured, char cause[EXPLAIN_CAUSE_BYTES]);

#endif
