/* http_body: how content is framed, and the strict reader of the chunked coding (RFC 9112 6, 7).
 * Pure: no malloc, no I/O. */
#ifndef AUTHBRIDGE_HTTP_BODY_H
#define AUTHBRIDGE_HTTP_BODY_H

#include <stdbool.h>
#include <stddef.h>

#include "http_head.h"

#define HTTP_LENGTH_MAX               0x7FFFFFFFFFFFFFFFull /* content and chunks, 2^63 - 1 */
#define HTTP_CHUNK_DIGITS_MAX         16u
#define HTTP_REQUEST_EXTENSION_BYTES  256u   /* of one chunk's extensions */
#define HTTP_RESPONSE_EXTENSION_BYTES 16384u /* passed on, so only bounded */

enum http_framing {
    HTTP_FRAMING_NONE,    /* no content at all */
    HTTP_FRAMING_LENGTH,  /* Content-Length octets */
    HTTP_FRAMING_CHUNKED, /* the chunked coding, and it alone */
    HTTP_FRAMING_CLOSE,   /* until the connection closes: responses only */
};

/* What the framing fields of one head say. */
struct http_framing_fields {
    bool has_length;
    bool has_coding;
    unsigned long long length;
};

/* Reads Content-Length and Transfer-Encoding from validated field lines. false fills *fault:
 * 400 for what is invalid or contradicts itself, 501 for a coding other than chunked. */
bool http_framing_read(struct slice fields, unsigned minor, struct http_framing_fields *found,
                       struct http_fault *fault);

/* ---- the chunked coding ---- */

enum http_chunk_part {
    HTTP_CHUNK_MORE,    /* nothing left to take: give more octets */
    HTTP_CHUNK_FRAMING, /* sizes, extensions, line ends */
    HTTP_CHUNK_DATA,    /* content */
    HTTP_CHUNK_TRAILER, /* octets of trailer field lines, with their CRLF */
    HTTP_CHUNK_END,     /* the final CRLF is taken: what follows is another message */
    HTTP_CHUNK_BAD,     /* framing that can be read in more than one way */
};

struct http_chunked {
    int state;
    unsigned digits;
    unsigned long long remaining; /* of the chunk at hand */
    size_t extension_bytes;       /* of the chunk at hand */
    size_t extension_limit;
    size_t trailer_bytes;
    size_t trailer_limit;
    bool lenient;       /* a response's: control octets other than CR, LF and NUL pass in values */
    const char *detail; /* a literal, set with HTTP_CHUNK_BAD */
};

/* Makes ready for a body of the given kind; trailer_limit bounds its trailer section in bytes. */
void http_chunked_init(struct http_chunked *chunked, enum http_kind kind, size_t trailer_limit);

/* Takes octets of one part from the front of in: *taken says how many, 0 with HTTP_CHUNK_MORE
 * and HTTP_CHUNK_BAD. HTTP_CHUNK_END takes the body's last octet. */
enum http_chunk_part http_chunked_take(struct http_chunked *chunked, struct slice in,
                                       size_t *taken);

#endif
