/* status_page: the page that shows the status report live in a browser: one document, with nothing
 * to be fetched for it but the report. */
#ifndef AUTHBRIDGE_STATUS_PAGE_H
#define AUTHBRIDGE_STATUS_PAGE_H

#include "slice.h"

/* The document. */
struct slice status_page(void);

#define STATUS_PAGE_POLICY_BYTES 400u

/* Writes its Content-Security-Policy, which allows its own style and script by their hashes, and
 * nothing else. */
void status_page_policy(char text[STATUS_PAGE_POLICY_BYTES]);

#endif
