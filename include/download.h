/* download: the pump from the target to the client: interim responses, the response head, then
 * the content byte for byte as its framing is validated. It never waits: each step moves what can
 * be moved now. */
#ifndef AUTHBRIDGE_DOWNLOAD_H
#define AUTHBRIDGE_DOWNLOAD_H

#include <stdbool.h>

#include "buffer.h"
#include "client.h"
#include "config.h"
#include "fault.h"
#include "http_response.h"
#include "screen.h"
#include "upstream.h"

#define DOWNLOAD_INTERIM_MAX 16u
#define DOWNLOAD_FIELDS_MAX  16384u /* of a response head */

enum download_state {
    DOWNLOAD_HEAD,
    DOWNLOAD_CONTENT,
    DOWNLOAD_WHOLE,    /* the response is complete; perhaps not sent to its end yet */
    DOWNLOAD_SWITCHED, /* 101: the rest of in belongs to a tunnel */
    DOWNLOAD_CUT,      /* the target ended it early, or spoiled its framing */
};

struct download {
    const struct config_route *route;
    const struct http_request *request;
    const struct value_context *context;
    struct client *client;
    struct upstream *upstream;
    struct buffer *in;    /* from the target */
    struct buffer *out;   /* heads, and content that is decoded, for the client */
    bool holds;           /* set by the owner: an answer of 401 is not passed on, but held */
    bool refused;         /* there is one, at the front of in */
    bool released;        /* it goes to the client after all */
    bool request_is_sent; /* kept up to date by the owner: the target has the whole request */

    enum download_state state;
    struct http_head head;
    struct http_response response;
    unsigned interims;
    bool continued; /* 100 (Continue) has come */
    size_t valid;   /* of in's content: validated, and to be passed on */
    struct screen screen;
    size_t held; /* behind valid, or at out's end where content is decoded: not to be sent yet */
    unsigned long long remaining;
    struct http_chunked chunked;
    bool unchunk; /* for a 1.0 client */

    unsigned long long content_bytes;
    bool any;    /* an octet came from the target */
    bool begun;  /* the final response's head is on its way to the client */
    bool passed; /* since then, something has been sent */
    bool keep_client;
    bool stopped;  /* at a secret */
    bool surplus;  /* octets stand behind the end of the response */
    bool blocked;  /* the client's connection takes nothing now */
    bool sent;     /* in the last step, octets went to the client */
    bool received; /* in the last step, octets came from the target */
};

enum download_result {
    DOWNLOAD_GOING,
    DOWNLOAD_DONE, /* state is WHOLE, SWITCHED or CUT, and all there is has been sent */
    DOWNLOAD_CLIENT_GONE,
    DOWNLOAD_EMPTY,  /* the target closed without an octet */
    DOWNLOAD_BROKEN, /* *fault: what came is no response; begun is false */
};

void download_begin(struct download *download);

/* readable: the target's socket has something, or its end. */
enum download_result download_step(struct download *download, bool readable, struct fault *fault);

/* Lets the answer that is held go to the client, as the next steps have it. */
void download_release(struct download *download);

/* Whether more is to come from the target before anything else can be done. */
bool download_wants_upstream(const struct download *download);

/* Whether the client could take the end of the connection for the end of the response. */
bool download_ends_by_close(const struct download *download);

#endif
