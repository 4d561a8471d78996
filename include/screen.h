/* screen: keeps texts out of a response on its way (reflect). Heads are looked at whole; content as
 * it comes, in the buffer in which it is going to be sent: what may be the beginning of a text is
 * held back there until it is known, framing in between included. Pure: no malloc, no I/O. */
#ifndef AUTHBRIDGE_SCREEN_H
#define AUTHBRIDGE_SCREEN_H

#include <stdbool.h>

#include "http_body.h"
#include "http_head.h"
#include "reflect.h"

#define SCREEN_MASK '*'

/* The most octets that are held back, framing included: what is more is masked, or blocks. */
#define SCREEN_HELD_MAX ((size_t)128 * 1024)

struct screen {
    const struct reflect *reflect; /* NULL: nothing is looked for */
    bool blocks;                   /* a text ends the response; else it is masked */
    bool found;                    /* one has been found */

    /* The content at hand. */
    bool has_framing; /* chunks: framing stands between its octets */
    uint32_t state, framing_state;
    struct http_chunked front; /* where in the chunked coding the held octets begin */
    size_t content;            /* octets of content among them */
};

/* Looks at a whole head that has been parsed: masks names, values and the reason where they hold a
 * text. false where it blocks, or stands where it cannot be masked: in framing and in what belongs
 * to the connection. */
bool screen_head(struct screen *screen, char *head, size_t len);

/* Begins with content; front is the state of the chunked coding, NULL without. */
void screen_begin(struct screen *screen, const struct http_chunked *front);

/* Looks at the last len octets of held, which are of that part. false where they are to be held for
 * good: they end a text, and it blocks, or stands in framing. */
bool screen_look(struct screen *screen, enum http_chunk_part part, char *held, size_t held_len,
                 size_t len);

/* How many of the held octets may go on now; behind is where the chunked coding has come to, at
 * their end. false as above. */
bool screen_release(struct screen *screen, const struct http_chunked *behind, char *held,
                    size_t held_len, size_t *released);

#endif
