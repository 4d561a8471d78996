/* trust: the CA certificates that every child shares. */
#include "trust.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <unistd.h>

/* Where systems keep their bundle, besides OpenSSL's own default. */
static const char *const system_bundles[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
};

void trust_init(void)
{
    OPENSSL_init_ssl(OPENSSL_INIT_LOAD_SSL_STRINGS | OPENSSL_INIT_LOAD_CRYPTO_STRINGS, NULL);
}

static bool load_file(X509_STORE *store, const char *path, char error[TRUST_ERROR_BYTES])
{
    char reason[200];

    ERR_clear_error();
    if (X509_STORE_load_file(store, path) == 1)
        return true;
    ERR_error_string_n(ERR_peek_error(), reason, sizeof reason);
    snprintf(error, TRUST_ERROR_BYTES, "ca_file = %.200s: no certificates could be read: %s", path,
             reason);
    ERR_clear_error();
    return false;
}

static void load_system(X509_STORE *store)
{
    char ignored[TRUST_ERROR_BYTES];

    X509_STORE_set_default_paths(store); /* honours SSL_CERT_FILE and SSL_CERT_DIR */
    for (size_t i = 0; i < sizeof system_bundles / sizeof system_bundles[0]; i++)
        if (access(system_bundles[i], R_OK) == 0 && load_file(store, system_bundles[i], ignored))
            return;
}

X509_STORE *trust_load(const struct config *config, char error[TRUST_ERROR_BYTES])
{
    error[0] = '\0';
    if (!config->target.is_https || !config->tls.verify)
        return NULL;
    X509_STORE *store = X509_STORE_new();
    if (store == NULL) {
        snprintf(error, TRUST_ERROR_BYTES, "out of memory for the CA certificates");
        return NULL;
    }
    /* As libcurl sets up its own store: an intermediate in ca_file is trusted by itself. */
    X509_STORE_set_flags(store, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
    if (config->tls.ca_file == NULL)
        load_system(store);
    else if (!load_file(store, config->tls.ca_file, error)) {
        X509_STORE_free(store);
        return NULL;
    }
    return store;
}
