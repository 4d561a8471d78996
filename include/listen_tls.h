/* listen_tls: the certificate, key and rules by which listeners speak TLS with clients
 * ([listen-tls] in proxy.ini). They are read in the master, before any fork: children share the
 * context, and with it the keys of session tickets, so that a client resumes its session with any
 * of them. */
#ifndef AUTHBRIDGE_LISTEN_TLS_H
#define AUTHBRIDGE_LISTEN_TLS_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "listen_context.h"

struct listen_tls;

/* Reads the files that the configuration names, and warns of what clients will not like. NULL with
 * error filled. */
struct listen_tls *listen_tls_load(const struct config *config, char error[LISTEN_ERROR_BYTES]);
void listen_tls_free(struct listen_tls *tls);

/* What the TLS of a connection is made from. */
SSL_CTX *listen_tls_context(const struct listen_tls *tls);

/* Reads the files again when they have changed; looks at most once a second, and leaves files alone
 * that were changed within the last second. true when there is a new context: the old one is gone,
 * here, but not for children that were forked before. What cannot be used is logged, once, and
 * changes nothing. NULL is allowed. */
bool listen_tls_refresh(struct listen_tls *tls, const struct config *config, long long now);

/* When listen_tls_refresh should be called at the latest; CLOCK_NEVER: whenever something else
 * happens. */
long long listen_tls_due(const struct listen_tls *tls);

/* When the certificate expires, in seconds since 1970; 0 when that is not known, or for NULL. */
int64_t listen_tls_expires(const struct listen_tls *tls);

/* Whether this process can still read the files; from now on it looks for changes only if so. */
bool listen_tls_keep_if_unreadable(struct listen_tls *tls, const struct config *config);

/* When a failed handshake was logged last, by whichever process (log_warning_limited). */
long long *listen_tls_logged_ms(const struct listen_tls *tls);

#endif
