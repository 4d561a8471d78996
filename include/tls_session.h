/* tls_session: the last TLS session with each target, in memory that all children share, so that
 * connection after connection is resumed (RFC 8446 2.2) instead of begun with certificates and
 * signatures on both sides. It is the same peer for all of them, verified when the session began;
 * to another target it is never offered. Targets go by their target_index. */
#ifndef AUTHBRIDGE_TLS_SESSION_H
#define AUTHBRIDGE_TLS_SESSION_H

#include <openssl/ssl.h>

struct tls_session_store;

/* Makes an empty store for that many targets, before any fork. NULL without memory: every other
 * call then does nothing.
 */
struct tls_session_store *tls_session_store_new(size_t targets);
void tls_session_store_free(struct tls_session_store *store);

/* Lets a handshake that is about to begin resume what is stored. */
void tls_session_offer(const struct tls_session_store *store, size_t target, SSL *tls);

/* Stores a session that the target has just given, unless the stored one is young, or another
 * process is storing one. */
void tls_session_keep(struct tls_session_store *store, size_t target, SSL_SESSION *session);

#endif
