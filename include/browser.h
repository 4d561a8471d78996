/* browser: what the fields of a request say about the browser that sent it, if one did, and about
 * the page that made it do so (Fetch, RFC 6454, W3C Fetch Metadata). Pure. */
#ifndef AUTHBRIDGE_BROWSER_H
#define AUTHBRIDGE_BROWSER_H

#include <stdbool.h>

#include "http_field.h"

struct browser {
    bool marked;             /* a browser may have sent it: all do, for every request that a page
                                can cause, and no page's script can take all these fields away */
    unsigned origins, sites; /* how many fields of either name there are */
    struct slice origin;     /* Origin */
    struct slice site;       /* Sec-Fetch-Site */
};

/* Takes note of a field, beginning with a zeroed struct. */
void browser_note(struct browser *browser, const struct http_field *field);

/* The authority within scheme://host[:port], the serialised form of an origin (RFC 6454 6.2). false
 * when the text is no such origin; "null" is none. */
bool browser_read_origin(struct slice text, struct slice *authority);

enum browser_verdict {
    BROWSER_OWN_SITE, /* or no browser */
    BROWSER_CROSS_SITE,
    BROWSER_NONSENSE, /* what no browser sends: fields twice, values that are none */
};

/* Whether a page of another site had this sent to that authority, which may be empty. */
enum browser_verdict browser_judge(const struct browser *browser, struct slice authority);

#endif
