/* cors: what [cors] says to the browsers of other sites' pages (Fetch, "CORS protocol"). Without it
 * nothing of the kind is read or written. Pure. */
#ifndef AUTHBRIDGE_CORS_H
#define AUTHBRIDGE_CORS_H

#include <stdbool.h>

#include "config.h"
#include "http_request.h"
#include "http_response.h"

/* Whether [cors] is set. */
bool cors_is_on(const struct config_cors *cors);

/* Whether a page of the request's Origin may have it sent. */
bool cors_allows(const struct config_cors *cors, const struct http_request *request);

/* Whether a browser asks, ahead of a request, if it may send it. */
bool cors_is_preflight(const struct http_request *request);

/* Appends the answer to a preflight of an allowed origin, without the status line and what comes
 * with it, but with the empty line. false when what it asks for cannot be said in fields. */
bool cors_add_preflight(const struct config_cors *cors, const struct http_request *request,
                        struct buffer *out);

/* Appends the fields of any other answer to that request, Vary aside. */
void cors_add_fields(const struct config_cors *cors, const struct http_request *request,
                     struct buffer *out);

/* Whether a response's field of that name is written here: what the target says gives way. */
bool cors_replaces(const struct config_cors *cors, struct slice name);

/* Whether the answers differ by Origin, so that Vary must say so. */
bool cors_varies(const struct config_cors *cors);

/* How the target's Vary becomes one that names Origin. */
struct cors_vary {
    bool due;    /* Origin is to be added to the next Vary, or to a new one */
    bool exists; /* there is a next one */
};

struct cors_vary cors_read_vary(const struct config_cors *cors,
                                const struct http_response *response);

/* The most octets that cors_add_fields and Vary add. */
size_t cors_bytes_max(const struct config_cors *cors);

#endif
