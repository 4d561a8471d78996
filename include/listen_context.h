/* listen_context: the SSL_CTX of listeners with TLS, made of the files that [listen-tls] names, and
 * of the rules by which TLS is spoken with clients. */
#ifndef AUTHBRIDGE_LISTEN_CONTEXT_H
#define AUTHBRIDGE_LISTEN_CONTEXT_H

#include <openssl/types.h>
#include <stdbool.h>

#include "config.h"

#define LISTEN_ERROR_BYTES 512u

enum listen_file { LISTEN_CERT, LISTEN_KEY, LISTEN_CLIENT_CA, LISTEN_FILES };

/* The path of a file; NULL when it is not set. A key that is not set is in the certificate's. */
const char *listen_file_path(const struct config *config, enum listen_file file);

/* Fills error with the setting, where it stands, and what is wrong with its file. Always false. */
bool listen_file_fail(const struct config *config, enum listen_file file, const char *why,
                      char error[LISTEN_ERROR_BYTES]);

/* Reads the files. NULL with error filled when one cannot be used, or the key is not that of the
 * certificate. */
SSL_CTX *listen_context_make(const struct config *config, char error[LISTEN_ERROR_BYTES]);

#endif
