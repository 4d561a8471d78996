/* proxy_header: the header that a load balancer sends at the start of a connection to say whose it
 * is: the PROXY protocol, versions 1 and 2 (haproxy's proxy-protocol.txt). Pure: no malloc, no
 * I/O. */
#ifndef AUTHBRIDGE_PROXY_HEADER_H
#define AUTHBRIDGE_PROXY_HEADER_H

#include <stdbool.h>
#include <stddef.h>

#include "address.h"

#define PROXY_HEADER_V1_BYTES_MAX 107u                   /* the line, its CRLF included (2.1) */
#define PROXY_HEADER_BYTES_MAX    ((size_t)16 + 0xFFFFu) /* of version 2: its length field's most */

enum proxy_header_progress {
    PROXY_HEADER_PARTIAL, /* all octets given belong to the header, and more must come */
    PROXY_HEADER_COMPLETE,
    PROXY_HEADER_BAD, /* not a header, whatever comes behind these octets */
};

struct proxy_header {
    /* Set when complete. */
    size_t length;         /* of the header: what follows is the connection's own */
    bool has_source;       /* false for LOCAL, UNKNOWN and what is not TCP over IP: the addresses
                            * of the connection itself count */
    struct address source; /* the client's */

    const char *fault; /* set when bad: a literal for people */
};

/* Looks at the first len octets of a connection, len being at least what it was at the last call.
 * Extensions (TLVs) are skipped. */
enum proxy_header_progress proxy_header_parse(struct proxy_header *header, const char *at,
                                              size_t len);

#endif
