/* live: tries the target: name, connection, TLS, one HEAD request. A client of its own, by
 * libcurl's HTTP client, with the bridge's settings for the connection. */
#ifndef AUTHBRIDGE_LIVE_H
#define AUTHBRIDGE_LIVE_H

#include <stdbool.h>
#include <stdio.h>

#include "config.h"
#include "trust.h"

/* Prints each step with its time, and a verdict. false when the target is not available: why, and
 * what to do, has been logged as an error. Never prints a secret. */
bool live_check(const struct config *config, const struct trust *trust, FILE *out);

#endif
