/* explain_cause: why a line of a request is not as it came: a line of proxy.ini, or a rule. */
#include "explain_cause.h"

#include <stdio.h>
#include <string.h>

#include "forwarded.h"
#include "rewrite.h"

/* Which setting decided, and where it stands: "proxy.ini:3, target". */
void explain_cause_of_setting(const struct config_route *route, const char *name,
                              char cause[EXPLAIN_CAUSE_BYTES])
{
    char place[CONFIG_PLACE_BYTES];

    config_place_of_route(route, name, place);
    snprintf(cause, EXPLAIN_CAUSE_BYTES, "%s%s%s", place, strncmp(place, "--", 2) == 0 ? "" : ", ",
             strncmp(place, "--", 2) == 0 ? "" : name);
}

/* Nobody in particular. Configured values have been masked: only the bridge's own fields show it.
 */
const struct value_context explain_any_client = {
    .request_id = {"${request_id}", sizeof "${request_id}" - 1},
    .client_ip = {"${client_ip}", sizeof "${client_ip}" - 1},
};

static const struct config_field *configured_field(const struct config_route *route,
                                                   struct slice name)
{
    const struct config_fields *fields = &route->request_fields;

    for (size_t i = 0; i < fields->count; i++)
        if (http_names_are_alike(name, slice_of(fields->items[i].name)))
            return &fields->items[i];
    return NULL;
}

/* Names the setting that has the bridge write a field of that name. false when there is none. */
static bool name_forwarding(const struct config_route *route, struct slice name,
                            char cause[EXPLAIN_CAUSE_BYTES])
{
    if (forwarded_replaces(route, &explain_any_client, name))
        explain_cause_of_setting(route, "forwarded", cause);
    else if (route->config->via && slice_equals_nocase(name, slice_of("Via")))
        explain_cause_of_setting(route, "via", cause);
    else
        return false;
    return true;
}

void explain_cause_of_host(const struct config_route *route, char cause[EXPLAIN_CAUSE_BYTES])
{
    const char *name = route->section != NULL ? "send_host" : "host";
    char place[CONFIG_PLACE_BYTES];

    config_place_of_route(route, name, place);
    explain_cause_of_setting(route, place[0] != '\0' ? name : "target", cause);
}

static bool is_accept_encoding(const struct config_route *route, struct slice name)
{
    return route->guard != NULL && slice_equals_nocase(name, slice_of("Accept-Encoding"));
}

static const char *reason_of_removal(const struct config_route *route,
                                     const struct http_request *request,
                                     const struct http_field *field)
{
    switch (field->id) {
    case HTTP_FIELD_CONNECTION:
    case HTTP_FIELD_PROXY_CONNECTION:
    case HTTP_FIELD_KEEP_ALIVE:
        return "is for this connection only";
    case HTTP_FIELD_TE:
        return "is for this connection; trailers may go on";
    case HTTP_FIELD_PROXY_AUTHORIZATION:
        return "is for this proxy only";
    case HTTP_FIELD_CONTENT_LENGTH:
        return "a copy";
    case HTTP_FIELD_UPGRADE:
        return route->guard != NULL ? "no tunnel with reflect_guard"
                                    : "not a tunnel that is passed on";
    case HTTP_FIELD_EXPECT:
        return "not from HTTP/1.0";
    default:
        break;
    }
    if (http_is_nominated(&request->nominations, field->name))
        return "is named by Connection";
    if (is_accept_encoding(route, field->name))
        return "reflect_guard looks into what comes";
    return "";
}

void explain_cause_of_removal(const struct config_route *route, const struct http_request *request,
                              const struct http_field *field, char cause[EXPLAIN_CAUSE_BYTES])
{
    const struct config_field *configured = configured_field(route, field->name);

    if (configured != NULL && configured->removes)
        snprintf(cause, EXPLAIN_CAUSE_BYTES, "%s removes it", configured->origin);
    else if (configured != NULL)
        snprintf(cause, EXPLAIN_CAUSE_BYTES, "%s replaces it", configured->origin);
    else if (rewrite_keeps_here(route->config, field->name))
        snprintf(cause, EXPLAIN_CAUSE_BYTES, "is for this bridge (users)");
    else if (!name_forwarding(route, field->name, cause))
        snprintf(cause, EXPLAIN_CAUSE_BYTES, "%s", reason_of_removal(route, request, field));
}

void explain_cause_of_change(const struct config_route *route, const struct http_field *field,
                             char cause[EXPLAIN_CAUSE_BYTES])
{
    const char *reason = "";

    if (field->id == HTTP_FIELD_HOST) {
        explain_cause_of_host(route, cause);
        return;
    }
    if (field->id == HTTP_FIELD_CONTENT_LENGTH || field->id == HTTP_FIELD_TRANSFER_ENCODING)
        reason = "framing, written anew";
    else if (field->id == HTTP_FIELD_MAX_FORWARDS)
        reason = "one hop less";
    else if (field->id == HTTP_FIELD_UPGRADE)
        reason = "offers of HTTP or TLS do not go on";
    else if (field->id == HTTP_FIELD_CONNECTION || field->id == HTTP_FIELD_TE)
        reason = "for the connection to the target";
    else if (is_accept_encoding(route, field->name))
        reason = "reflect_guard looks into what comes";
    else if (http_field_is(field, "Cookie"))
        reason = "as the target named it (cookies in [rewrite])";
    else if (field->id == HTTP_FIELD_OTHER)
        reason = "as the target's own (origin in [rewrite])";
    if (!name_forwarding(route, field->name, cause))
        snprintf(cause, EXPLAIN_CAUSE_BYTES, "%s", reason);
}

void explain_cause_of_addition(const struct config_route *route, struct slice name,
                               bool is_configured, char cause[EXPLAIN_CAUSE_BYTES])
{
    const struct config_field *configured = configured_field(route, name);

    if (is_configured && configured != NULL)
        snprintf(cause, EXPLAIN_CAUSE_BYTES, "%s", configured->origin);
    else if (is_accept_encoding(route, name))
        snprintf(cause, EXPLAIN_CAUSE_BYTES, "reflect_guard looks into what comes");
    else if (!name_forwarding(route, name, cause))
        snprintf(cause, EXPLAIN_CAUSE_BYTES, "for the connection to the target");
}
