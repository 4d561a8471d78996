/* demo: a target that answers each request with the head that it received, for a first try. */
#ifndef AUTHBRIDGE_DEMO_H
#define AUTHBRIDGE_DEMO_H

#include <stdbool.h>

#define DEMO_URL_BYTES 64u

/* Starts the echo target in a process of its own, on a loopback port of its own, and writes its
 * URL. It ends with this process. false, after an error has been logged, when it could not be
 * started. */
bool demo_start(char url[DEMO_URL_BYTES]);

#endif
