/* rehearsal: a TLS handshake with ourselves, in memory, before any fork. What OpenSSL looks up and
 * builds when it does something for the first time (algorithms, decoders, random generators) is
 * then there for all children, in pages that they share. */
#ifndef AUTHBRIDGE_REHEARSAL_H
#define AUTHBRIDGE_REHEARSAL_H

#include <stdbool.h>

/* Runs one for each version of TLS that OpenSSL's configuration allows: some milliseconds, no file,
 * no socket. false when none was completed: connections will then only take longer. */
bool rehearsal_run(void);

#endif
