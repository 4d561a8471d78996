/* trust: the CA certificates that every child shares, read once in the master: parsing the
 * system's bundle anew would cost each connection some 20 ms. */
#ifndef AUTHBRIDGE_TRUST_H
#define AUTHBRIDGE_TRUST_H

#include <openssl/types.h>

#include "config.h"

#define TRUST_ERROR_BYTES 512u

/* Makes OpenSSL ready before any fork. */
void trust_init(void);

/* The store for the configuration's ca_file, or the system's. NULL with error filled when the
 * file cannot be used. For a target that needs none, NULL with error empty. The caller frees it
 * with X509_STORE_free. */
X509_STORE *trust_load(const struct config *config, char error[TRUST_ERROR_BYTES]);

#endif
