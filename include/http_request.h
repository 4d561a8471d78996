/* http_request: what a parsed request head means: target, Host, framing, connection, expectation
 * (RFC 9110, RFC 9112 3). Pure: no malloc, no I/O; slices point into the head's octets. */
#ifndef AUTHBRIDGE_HTTP_REQUEST_H
#define AUTHBRIDGE_HTTP_REQUEST_H

#include <stdbool.h>

#include "browser.h"
#include "http_body.h"
#include "http_field.h"
#include "http_head.h"

/* The methods that a 405 names in Allow, and the answer to OPTIONS with Max-Forwards: 0. */
#define HTTP_METHODS_SERVED "GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS"

struct http_request {
    struct slice method;
    struct slice fields;
    unsigned minor; /* 0 or 1: what is above is served as 1.1 */

    /* The target in origin-form or "*", with rootless set where a "/" must stand before it (an
     * absolute-form without a path). raw_target is as it came. */
    struct slice target;
    struct slice raw_target;
    bool rootless;
    struct slice authority; /* of an absolute-form target, else Host's value; may be empty */

    enum http_framing framing;
    unsigned long long length; /* with HTTP_FRAMING_LENGTH */

    bool is_head;          /* the response has no content */
    bool is_safe;          /* GET, HEAD, OPTIONS: may be sent again (RFC 9110 9.2.1) */
    bool keep_alive;       /* the client would send another request */
    bool expects_100;      /* Expect: 100-continue, not from 1.0 */
    bool accepts_trailers; /* TE: trailers */
    bool upgrades;         /* Connection: upgrade with an Upgrade that may be tunnelled */
    bool has_content;
    struct http_nominations nominations; /* fields that are for this connection only */
    bool has_host;
    bool has_authorization;
    bool has_max_forwards; /* on OPTIONS, and a number */
    unsigned long long max_forwards;
    struct browser browser;
};

/* uri-host [ ":" port ] without userinfo (RFC 3986 3.2); empty is none. */
bool http_is_authority(struct slice s);

/* Reads the meaning of a complete request head. false fills *fault with 400, 405, 417 or 501;
 * request->method, raw_target and minor are set even then. */
bool http_request_read(const struct http_head *head, struct http_request *request,
                       struct http_fault *fault);

/* Whether the request is to be answered here: OPTIONS with Max-Forwards: 0 (RFC 9110 7.6.2). */
bool http_request_ends_here(const struct http_request *request);

/* Whether an Upgrade to that protocol is passed on. */
bool http_is_tunnelled(struct slice protocol);

/* Whether the request's Upgrade fields name the protocol (RFC 9110 7.8). */
bool http_request_offers(const struct http_request *request, struct slice protocol);

#endif
