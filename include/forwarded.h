/* forwarded: what the target is told about the client and about the way, where that is configured:
 * X-Forwarded-For and its kin, Forwarded (RFC 7239), Via (RFC 9110 7.6.3). Pure. */
#ifndef AUTHBRIDGE_FORWARDED_H
#define AUTHBRIDGE_FORWARDED_H

#include <stdbool.h>

#include "buffer.h"
#include "config.h"
#include "http_request.h"

/* Whether a field of that name which came with a request is left out: the bridge writes it anew,
 * or a client that is not trusted could claim by it what is not so. */
bool forwarded_replaces(const struct config_route *route, const struct value_context *context,
                        struct slice name);

/* Appends the fields about the client, behind what trusted peers said before. */
void forwarded_add(const struct http_request *request, const struct config_route *route,
                   const struct value_context *context, struct buffer *out);

/* Appends our entry of Via to a message that came as HTTP/1.minor; configured are the fields that
 * are set on it, of which a Via takes its place. */
void forwarded_add_via(const struct config_route *route, const struct config_fields *configured,
                       unsigned minor, struct buffer *out);

#endif
