/* forwarded: what the target is told about the client and about the way. */
#include "forwarded.h"

#include <string.h>

#include "http_field.h"

#define X_PREFIX  "X-Forwarded-"
#define X_FOR     X_PREFIX "For"
#define X_HOST    X_PREFIX "Host"
#define X_PROTO   X_PREFIX "Proto"
#define FORWARDED "Forwarded"

/* A client on a Unix socket has no address. */
static bool is_unknown(struct slice client)
{
    return slice_equals(client, slice_of("unix:"));
}

/* By which the client reaches the bridge. */
static const char *scheme_of(const struct value_context *context)
{
    return context->client_has_tls ? "https" : "http";
}

static bool is_named(struct slice name, const char *text)
{
    return http_names_are_alike(name, slice_of(text));
}

static bool is_x_forwarded(struct slice name)
{
    const size_t len = strlen(X_PREFIX);

    return name.len > len && is_named((struct slice){name.at, len}, X_PREFIX);
}

bool forwarded_replaces(const struct config_route *route, const struct value_context *context,
                        struct slice name)
{
    if (route->config->forwarded == FORWARDED_OFF)
        return false;
    if (!context->client_is_trusted)
        return is_x_forwarded(name) || is_named(name, FORWARDED);
    return is_named(name, route->config->forwarded == FORWARDED_RFC7239 ? FORWARDED : X_FOR);
}

/* Takes the next field of that name that is meant for the target. */
static bool next_received(const struct http_request *request, const char *name,
                          struct slice *fields, struct http_field *field)
{
    while (http_field_next(fields, field))
        if (is_named(field->name, name) && !http_is_nominated(&request->nominations, field->name))
            return true;
    return false;
}

/* Begins a list field with what trusted peers said before. false when the configuration sets it. */
static bool begin_list(const struct http_request *request, const struct config_route *route,
                       const struct value_context *context, const char *name, struct buffer *out)
{
    struct slice fields = request->fields;
    struct http_field field;

    if (config_fields_have(&route->request_fields, slice_of(name)))
        return false;
    buffer_add_text(out, name);
    buffer_add_text(out, ": ");
    while (context->client_is_trusted && next_received(request, name, &fields, &field)) {
        if (field.value.len == 0)
            continue;
        buffer_add(out, field.value);
        buffer_add_text(out, ", ");
    }
    return true;
}

/* Adds a field, unless a trusted peer has said it, or the configuration does. */
static void add_single(const struct http_request *request, const struct config_route *route,
                       const struct value_context *context, const char *name, struct slice value,
                       struct buffer *out)
{
    struct slice fields = request->fields;
    struct http_field field;

    if (value.len == 0 || config_fields_have(&route->request_fields, slice_of(name)) ||
        (context->client_is_trusted && next_received(request, name, &fields, &field)))
        return;
    buffer_add_text(out, name);
    buffer_add_text(out, ": ");
    buffer_add(out, value);
    buffer_add_text(out, "\r\n");
}

static void add_x_forwarded(const struct http_request *request, const struct config_route *route,
                            const struct value_context *context, struct buffer *out)
{
    struct slice client = context->client_ip;

    if (begin_list(request, route, context, X_FOR, out)) {
        buffer_add(out, is_unknown(client) ? slice_of("unknown") : client);
        buffer_add_text(out, "\r\n");
    }
    add_single(request, route, context, X_PROTO, slice_of(scheme_of(context)), out);
    add_single(request, route, context, X_HOST, request->authority, out);
}

/* RFC 7239 6: an IPv6 address stands in brackets, and what has a colon in it in quotation marks. */
static void add_node(struct slice client, struct buffer *out)
{
    bool is_ipv6 = memchr(client.at, ':', client.len) != NULL;

    if (is_unknown(client)) {
        buffer_add_text(out, "unknown");
        return;
    }
    buffer_add_text(out, is_ipv6 ? "\"[" : "");
    buffer_add(out, client);
    buffer_add_text(out, is_ipv6 ? "]\"" : "");
}

static void add_forwarded(const struct http_request *request, const struct config_route *route,
                          const struct value_context *context, struct buffer *out)
{
    const char *quote = http_is_token(request->authority) ? "" : "\""; /* it has none in it */

    if (!begin_list(request, route, context, FORWARDED, out))
        return;
    buffer_add_text(out, "for=");
    add_node(context->client_ip, out);
    if (request->authority.len > 0) {
        buffer_add_text(out, ";host=");
        buffer_add_text(out, quote);
        buffer_add(out, request->authority);
        buffer_add_text(out, quote);
    }
    buffer_add_text(out, ";proto=");
    buffer_add_text(out, scheme_of(context));
    buffer_add_text(out, "\r\n");
}

void forwarded_add(const struct http_request *request, const struct config_route *route,
                   const struct value_context *context, struct buffer *out)
{
    switch (route->config->forwarded) {
    case FORWARDED_OFF:
        break;
    case FORWARDED_X:
        add_x_forwarded(request, route, context, out);
        break;
    case FORWARDED_RFC7239:
        add_forwarded(request, route, context, out);
        break;
    }
}

void forwarded_add_via(const struct config_route *route, const struct config_fields *configured,
                       unsigned minor, struct buffer *out)
{
    if (!route->config->via || config_fields_have(configured, slice_of("Via")))
        return;
    buffer_add_text(out, minor > 0 ? "Via: 1.1 authbridge\r\n" : "Via: 1.0 authbridge\r\n");
}
