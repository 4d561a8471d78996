/* upload: the pump from the client to the target: the request head, then the content, re-framed
 * canonically. It never waits: each step moves what can be moved now. */
#ifndef AUTHBRIDGE_UPLOAD_H
#define AUTHBRIDGE_UPLOAD_H

#include <stdbool.h>

#include "buffer.h"
#include "client.h"
#include "config.h"
#include "fault.h"
#include "http_request.h"
#include "upstream.h"

struct upload {
    const struct config_route *route;
    const struct http_request *request;
    const struct value_context *context;
    struct client *client;
    struct upstream *upstream;
    struct buffer *out; /* on its way to the target, the head first */

    struct buffer *kept; /* the content as it goes to the target, to be sent again */
    bool keeps;          /* all of it so far is there */

    unsigned long long remaining; /* of content with a length */
    struct http_chunked chunked;
    struct buffer trailers; /* allocated when a trailer comes */

    unsigned long long content_bytes; /* taken from the client */
    bool framed;                      /* an octet of the chunked coding has been taken */
    bool complete;                    /* all content has been taken */
    bool stopped;                     /* the target takes no more */
    bool blocked;                     /* the target's connection takes nothing now */
    bool sent;                        /* in the last step, octets went to the target */
    bool received;                    /* in the last step, octets came from the client */
};

enum upload_result {
    UPLOAD_GOING, /* or complete */
    UPLOAD_CLIENT_GONE,
    UPLOAD_REFUSED, /* *fault: the content is broken or too long; nothing more was sent */
};

/* Begins with a request whose head is in out. The client has received its content's first octets
 * and nothing else may take them. kept is empty where it is used. */
void upload_begin(struct upload *upload);
void upload_end(struct upload *upload);

/* The same for a request that is sent again, with all of its content in kept: so many octets of it.
 */
void upload_begin_again(struct upload *upload, unsigned long long content_bytes);

enum upload_result upload_step(struct upload *upload, struct fault *fault);

/* Whether content has come from the client, or there is none. */
bool upload_has_begun(const struct upload *upload);

/* Gives the upload up where it has not ended: the target has answered, and will take no more. What
 * still comes from the client is read and forgotten, or kept for another time, so that one that
 * sends all its content before it reads gets to the answer. */
void upload_stop(struct upload *upload);

/* Whether content may come that is to be forgotten. */
bool upload_discards(const struct upload *upload);

/* Whether more content is to come from the client. */
bool upload_wants_client(const struct upload *upload);

/* Whether the whole request has been sent: taken from the client is not enough. */
bool upload_is_sent(const struct upload *upload);

#endif
