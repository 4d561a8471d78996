/* upstream_fault: what a connection to the target that failed means to the client: libcurl's result
 * as a status and an error type of RFC 9209 2.3. */
#ifndef AUTHBRIDGE_UPSTREAM_FAULT_H
#define AUTHBRIDGE_UPSTREAM_FAULT_H

#include <curl/curl.h>

#include "fault.h"
#include "upstream.h"

/* Fills in *fault for a connection that ended with this code before it stood. */
void upstream_fault_set(const struct upstream *upstream, CURLcode code, struct fault *fault);

/* What to do about a target that fails with an error of that type; a short line, or "". */
const char *upstream_fault_advice(const char *type);

#endif
