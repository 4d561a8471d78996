/* http_response: what a parsed response head means: framing, connection, upgrade (RFC 9110,
 * RFC 9112 6.3). Pure: no malloc, no I/O; slices point into the head's octets. */
#ifndef AUTHBRIDGE_HTTP_RESPONSE_H
#define AUTHBRIDGE_HTTP_RESPONSE_H

#include <stdbool.h>

#include "http_body.h"
#include "http_head.h"
#include "http_request.h"

struct http_response {
    unsigned status;
    unsigned minor; /* of the target's version */
    struct slice reason;
    struct slice fields;

    enum http_framing framing;
    unsigned long long length; /* with HTTP_FRAMING_LENGTH */

    bool is_interim;                     /* 1xx other than 101 */
    bool is_upgrade;                     /* 101 to a protocol that the request offered */
    bool keep_alive;                     /* the target would take another request */
    struct http_nominations nominations; /* fields that are for this connection only */
    bool has_date;
};

/* Reads the meaning of a complete response head, as the answer to that request. false fills
 * *fault: its status is always 502. */
bool http_response_read(const struct http_head *head, const struct http_request *request,
                        struct http_response *response, struct http_fault *fault);

/* Whether its content is compressed, or coded in any other way (RFC 9110 8.4). */
bool http_response_is_encoded(const struct http_response *response);

#endif
