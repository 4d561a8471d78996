/* rewrite: the head that goes to the target and the head that goes to the client. */
#include "rewrite.h"

#include "clock.h"
#include "cors.h"
#include "forwarded.h"
#include "http_field.h"
#include "localhost.h"
#include "method_guard.h"
#include "route.h"

#define ACCEPT_ENCODING "Accept-Encoding"

static const char crlf[] = "\r\n";

/* ---- fields that the configuration sets ---- */

static void add_configured(const struct config_fields *fields, const struct value_context *context,
                           struct buffer *out)
{
    for (size_t i = 0; i < fields->count; i++) {
        if (fields->items[i].removes)
            continue;
        buffer_add_text(out, fields->items[i].name);
        buffer_add_text(out, ": ");
        value_render(&fields->items[i].value, context, out);
        buffer_add_text(out, crlf);
    }
}

static void add_field(struct buffer *out, const char *name, const char *value)
{
    buffer_add_text(out, name);
    buffer_add_text(out, ": ");
    buffer_add_text(out, value);
    buffer_add_text(out, crlf);
}

/* A field under the name as it was sent, with another value and the usual white space: what a
 * target could read in two ways does not reach it. */
static void add_renamed(struct buffer *out, struct slice name, struct slice value)
{
    buffer_add(out, name);
    buffer_add_text(out, ": ");
    buffer_add(out, value);
    buffer_add_text(out, crlf);
}

/* ---- requests ---- */

static void add_request_line(const struct http_request *request, const struct config_route *route,
                             struct buffer *out)
{
    bool needs_slash;
    struct slice target = route_target(route, request, &needs_slash);

    buffer_add(out, request->method);
    buffer_add_text(out, " ");
    if (!slice_equals(request->target, slice_of("*")))
        buffer_add_text(out, route->target->base_path);
    if (needs_slash)
        buffer_add_text(out, "/");
    buffer_add(out, target);
    buffer_add_text(out, " HTTP/1.1\r\n");
}

/* An Upgrade field, without offers that would not be tunnelled; nothing where none is left. */
static void add_offers(const struct http_field *field, struct buffer *out)
{
    struct slice list = field->value;
    struct slice protocol;
    bool any = false;

    while (http_list_next(&list, &protocol)) {
        if (!http_is_tunnelled(protocol))
            continue;
        if (!any)
            buffer_add(out, field->name);
        buffer_add_text(out, any ? ", " : ": ");
        buffer_add(out, protocol);
        any = true;
    }
    if (any)
        buffer_add_text(out, crlf);
}

bool rewrite_keeps_here(const struct config *config, struct slice name)
{
    return config->users != NULL && http_names_are_alike(name, slice_of("Authorization"));
}

/* Copies a field, replaces it or leaves it out. *framed is set once framing has been written. */
static void rewrite_request_field(const struct http_field *field,
                                  const struct http_request *request,
                                  const struct config_route *route,
                                  const struct value_context *context, bool *framed,
                                  struct buffer *out)
{
    switch (field->id) {
    case HTTP_FIELD_HOST:
        add_renamed(out, field->name, slice_of(route->host));
        return;
    case HTTP_FIELD_CONTENT_LENGTH:
        if (!*framed)
            add_renamed(out, field->name, field->value);
        *framed = true;
        return;
    case HTTP_FIELD_TRANSFER_ENCODING:
        add_renamed(out, field->name, slice_of("chunked"));
        return;
    case HTTP_FIELD_CONNECTION:
    case HTTP_FIELD_PROXY_CONNECTION:
    case HTTP_FIELD_KEEP_ALIVE:
    case HTTP_FIELD_TE:
    case HTTP_FIELD_PROXY_AUTHORIZATION:
        return;
    case HTTP_FIELD_UPGRADE:
        if (request->upgrades)
            add_offers(field, out);
        return;
    case HTTP_FIELD_EXPECT:
        if (!request->expects_100)
            return;
        break;
    case HTTP_FIELD_MAX_FORWARDS:
        if (request->has_max_forwards) {
            buffer_add(out, field->name);
            buffer_add_text(out, ": ");
            buffer_add_decimal(out, request->max_forwards - 1);
            buffer_add_text(out, crlf);
            return;
        }
        break;
    default:
        break;
    }
    if (rewrite_keeps_here(route->config, field->name))
        return;
    if (config_fields_have(&route->request_fields, field->name))
        return;
    if (route->guard != NULL && http_names_are_alike(field->name, slice_of(ACCEPT_ENCODING)))
        return;
    if (forwarded_replaces(route, context, field->name))
        return;
    if (http_is_nominated(&request->nominations, field->name))
        return;
    if (!localhost_add_request_field(context->mapping, field, out))
        buffer_add(out, field->line);
}

/* What stays of the client's Connection: that TE and Upgrade go one hop (RFC 9110 10.1.4, 7.8). */
static void add_request_connection(const struct http_request *request, struct buffer *out)
{
    if (request->accepts_trailers)
        add_field(out, "TE", "trailers");
    if (request->accepts_trailers && request->upgrades)
        add_field(out, "Connection", "TE, Upgrade");
    else if (request->accepts_trailers)
        add_field(out, "Connection", "TE");
    else if (request->upgrades)
        add_field(out, "Connection", "Upgrade");
}

bool rewrite_request(const struct http_request *request, const struct config_route *route,
                     const struct value_context *context, struct buffer *out)
{
    struct slice fields = request->fields;
    struct http_field field;
    bool framed = false;

    add_request_line(request, route, out);
    if (request->minor == 0 && !request->has_host)
        add_field(out, "Host", route->host);
    while (http_field_next(&fields, &field))
        rewrite_request_field(&field, request, route, context, &framed, out);
    forwarded_add(request, route, context, out);
    forwarded_add_via(route, &route->request_fields, request->minor, out);
    add_request_connection(request, out);
    if (route->guard != NULL &&
        !config_fields_have(&route->request_fields, slice_of(ACCEPT_ENCODING)))
        add_field(out, ACCEPT_ENCODING, "identity"); /* what is compressed cannot be looked into */
    add_configured(&route->request_fields, context, out);
    buffer_add_text(out, crlf);
    return !out->overflowed;
}

bool rewrite_trailers(struct slice lines, const struct http_request *request,
                      const struct config_route *route, const struct value_context *context,
                      struct buffer *out)
{
    struct http_field field;

    while (http_field_next(&lines, &field)) {
        if (http_field_is_reserved(field.id) || field.id == HTTP_FIELD_PROXY_AUTHORIZATION ||
            http_resembles_framing(field.name) || rewrite_keeps_here(route->config, field.name) ||
            config_fields_have(&route->request_fields, field.name) ||
            (route->methods != NULL && method_guard_is_override(field.name)))
            continue;
        if (forwarded_replaces(route, context, field.name) ||
            http_is_nominated(&request->nominations, field.name))
            continue;
        buffer_add(out, field.line);
    }
    return !out->overflowed;
}

/* ---- responses ---- */

static void add_status_line(const struct http_response *response, struct buffer *out)
{
    buffer_add_text(out, "HTTP/1.1 ");
    buffer_add_decimal(out, response->status);
    buffer_add_text(out, " ");
    buffer_add(out, response->reason);
    buffer_add_text(out, crlf);
}

/* 101 and 426 say which protocol: without it they would mean nothing (RFC 9110 7.8, 15.5.22). */
static bool passes_upgrade(const struct http_response *response)
{
    return response->is_upgrade || response->status == 426;
}

/* No response of these may have framing fields (RFC 9110 8.6, RFC 9112 6.1). */
static bool forbids_framing(const struct http_response *response)
{
    return response->status < 200 || response->status == 204;
}

static void rewrite_response_field(const struct http_field *field,
                                   const struct http_response *response,
                                   const struct config_route *route,
                                   const struct value_context *context, bool is_1_0, bool *framed,
                                   struct buffer *out)
{
    switch (field->id) {
    case HTTP_FIELD_CONNECTION:
    case HTTP_FIELD_PROXY_CONNECTION:
    case HTTP_FIELD_KEEP_ALIVE:
        return;
    case HTTP_FIELD_UPGRADE:
        if (passes_upgrade(response))
            buffer_add(out, field->line);
        return;
    case HTTP_FIELD_CONTENT_LENGTH:
        if (!forbids_framing(response) && !*framed)
            buffer_add(out, field->line);
        *framed = true;
        return;
    case HTTP_FIELD_TRANSFER_ENCODING:
        if (!forbids_framing(response) && !is_1_0)
            buffer_add(out, field->line);
        return;
    default:
        break;
    }
    if (!response->is_interim && config_fields_have(&route->response_fields, field->name))
        return;
    if (field->id != HTTP_FIELD_DATE && http_is_nominated(&response->nominations, field->name))
        return;
    if (!localhost_add_response_field(context->mapping, field, out))
        buffer_add(out, field->line);
}

/* What [cors] makes of a field of the target's. false when it leaves that alone. */
static bool rewrite_cors_field(const struct http_field *field, const struct http_response *response,
                               const struct config_cors *cors, struct cors_vary *vary,
                               struct buffer *out)
{
    if (response->is_interim)
        return false;
    if (cors_replaces(cors, field->name))
        return true;
    if (!vary->due || !vary->exists || !http_field_is(field, "Vary"))
        return false;
    vary->due = false;
    buffer_add(out, field->name);
    buffer_add_text(out, ": ");
    buffer_add(out, field->value);
    buffer_add_text(out, field->value.len > 0 ? ", Origin\r\n" : "Origin\r\n");
    return true;
}

static void add_date(struct buffer *out)
{
    char date[CLOCK_DATE_BYTES];

    clock_format_date(date);
    add_field(out, "Date", date);
}

static void add_response_connection(const struct http_response *response,
                                    const struct http_request *request,
                                    enum rewrite_persistence persistence, struct buffer *out)
{
    bool closes = persistence == REWRITE_CLOSE && !response->is_upgrade;
    const char *option = closes ? "close" : request->minor == 0 ? "keep-alive" : NULL;

    if (option == NULL && !passes_upgrade(response))
        return;
    buffer_add_text(out, "Connection: ");
    if (option != NULL)
        buffer_add_text(out, option);
    if (option != NULL && passes_upgrade(response))
        buffer_add_text(out, ", ");
    if (passes_upgrade(response))
        buffer_add_text(out, "Upgrade");
    buffer_add_text(out, crlf);
}

bool rewrite_response(const struct http_response *response, const struct http_request *request,
                      const struct config_route *route, const struct value_context *context,
                      enum rewrite_persistence persistence, struct buffer *out)
{
    const struct config_cors *cors = &route->config->cors;
    struct cors_vary vary = cors_read_vary(cors, response);
    struct slice fields = response->fields;
    struct http_field field;
    bool framed = false;

    add_status_line(response, out);
    while (http_field_next(&fields, &field))
        if (!rewrite_cors_field(&field, response, cors, &vary, out))
            rewrite_response_field(&field, response, route, context, request->minor == 0, &framed,
                                   out);
    if (!response->is_interim) {
        if (!response->has_date && !response->is_upgrade &&
            !config_fields_have(&route->response_fields, slice_of("Date")))
            add_date(out);
        forwarded_add_via(route, &route->response_fields, response->minor, out);
        add_response_connection(response, request, persistence, out);
        cors_add_fields(cors, request, out);
        if (vary.due)
            add_field(out, "Vary", "Origin");
        add_configured(&route->response_fields, context, out);
    }
    buffer_add_text(out, crlf);
    return !out->overflowed;
}
