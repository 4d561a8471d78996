/* trust: what every child shares for TLS, and what children learn of targets. For targets: the CA
 * certificates, and the bridge's own certificate and key. These files are read once, in the master:
 * parsing the system's CA bundle anew would cost each connection some 20 ms, and a file that goes
 * away later changes nothing. For clients: what its listeners show them. */
#ifndef AUTHBRIDGE_TRUST_H
#define AUTHBRIDGE_TRUST_H

#include <openssl/types.h>
#include <stdbool.h>

#include "config.h"
#include "listen_tls.h"
#include "target_state.h"
#include "tls_session.h"

#define TRUST_ERROR_BYTES 512u

struct trust {
    X509_STORE *store; /* the CA certificates; NULL: nothing is verified */
    SSL_CTX *identity; /* holds our certificate, its chain and its key; NULL: none */
    struct tls_session_store *sessions; /* what these have verified; NULL: none is kept */
    struct target_states *targets;      /* what children learn; NULL: nothing is noted */
    struct listen_tls *listen;          /* NULL: no listener has TLS */
};

/* Makes OpenSSL ready before any fork. */
void trust_init(void);

/* Reads what the configuration names, or the system's CA certificates. Targets and listeners
 * without TLS need nothing. false, with error filled and nothing to free, when a file cannot be
 * used. */
bool trust_load(const struct config *config, struct trust *trust, char error[TRUST_ERROR_BYTES]);

/* Gives a connection's TLS what has been read. false when our certificate cannot be used with it.
 */
bool trust_attach(const struct trust *trust, SSL_CTX *tls);
void trust_free(struct trust *trust);

#endif
