/* trust: what every child shares for TLS, and what children learn of targets. */
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

/* Fills error with what OpenSSL says last about the file that a setting names. */
static bool fail(char error[TRUST_ERROR_BYTES], const char *setting, const char *path)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    snprintf(error, TRUST_ERROR_BYTES, "%s = %.200s cannot be used: %s", setting, path,
             reason != NULL ? reason : "no PEM in it");
    ERR_clear_error();
    return false;
}

static bool load_file(X509_STORE *store, const char *path, char error[TRUST_ERROR_BYTES])
{
    ERR_clear_error();
    return X509_STORE_load_file(store, path) == 1 || fail(error, "ca_file", path);
}

static void load_system(X509_STORE *store)
{
    char ignored[TRUST_ERROR_BYTES];

    X509_STORE_set_default_paths(store); /* honours SSL_CERT_FILE and SSL_CERT_DIR */
    for (size_t i = 0; i < sizeof system_bundles / sizeof system_bundles[0]; i++)
        if (access(system_bundles[i], R_OK) == 0 && load_file(store, system_bundles[i], ignored))
            return;
}

static bool load_store(const struct config *config, struct trust *trust,
                       char error[TRUST_ERROR_BYTES])
{
    trust->store = X509_STORE_new();
    if (trust->store == NULL)
        return fail(error, "ca_file", "(memory)");
    /* As libcurl sets up its own store: an intermediate in ca_file is trusted by itself. */
    X509_STORE_set_flags(trust->store, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
    if (config->tls.ca_file != NULL)
        return load_file(trust->store, config->tls.ca_file, error);
    load_system(trust->store);
    return true;
}

/* An encrypted key is refused: nobody is there to type its pass phrase. */
static int give_no_pass_phrase(char *into, int cap, int writes, void *context)
{
    (void)into, (void)cap, (void)writes, (void)context;
    return -1;
}

static bool load_identity(const struct config *config, struct trust *trust,
                          char error[TRUST_ERROR_BYTES])
{
    const char *cert = config->tls.client_cert;
    const char *key = config->tls.client_key != NULL ? config->tls.client_key : cert;

    ERR_clear_error();
    trust->identity = SSL_CTX_new(TLS_client_method());
    if (trust->identity == NULL)
        return fail(error, "client_cert", cert);
    SSL_CTX_set_default_passwd_cb(trust->identity, give_no_pass_phrase);
    if (SSL_CTX_use_certificate_chain_file(trust->identity, cert) != 1)
        return fail(error, "client_cert", cert);
    if (SSL_CTX_use_PrivateKey_file(trust->identity, key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(trust->identity) != 1)
        return fail(error, "client_key", key);
    return true;
}

static bool load_for_targets(const struct config *config, struct trust *trust,
                             char error[TRUST_ERROR_BYTES])
{
    if (!config_has_tls(config))
        return true;
    if (config->tls.verify && !load_store(config, trust, error))
        return false;
    if (config->tls.client_cert != NULL && !load_identity(config, trust, error))
        return false;
    trust->sessions = tls_session_store_new(config->target_count);
    return true;
}

_Static_assert(LISTEN_ERROR_BYTES <= TRUST_ERROR_BYTES, "");

static bool load_for_clients(const struct config *config, struct trust *trust,
                             char error[TRUST_ERROR_BYTES])
{
    if (!config_has_tls_listener(config))
        return true;
    trust->listen = listen_tls_load(config, error);
    return trust->listen != NULL;
}

bool trust_load(const struct config *config, struct trust *trust, char error[TRUST_ERROR_BYTES])
{
    *trust = (struct trust){.targets = target_states_new(config->target_count)};
    if (load_for_targets(config, trust, error) && load_for_clients(config, trust, error))
        return true;
    trust_free(trust);
    return false;
}

bool trust_attach(const struct trust *trust, SSL_CTX *tls)
{
    STACK_OF(X509) *chain = NULL;

    if (trust->store != NULL)
        SSL_CTX_set1_cert_store(tls, trust->store);
    if (trust->identity == NULL)
        return true;
    SSL_CTX_get0_chain_certs(trust->identity, &chain);
    return SSL_CTX_use_cert_and_key(tls, SSL_CTX_get0_certificate(trust->identity),
                                    SSL_CTX_get0_privatekey(trust->identity), chain, 1) == 1;
}

void trust_free(struct trust *trust)
{
    X509_STORE_free(trust->store);
    SSL_CTX_free(trust->identity);
    tls_session_store_free(trust->sessions);
    target_states_free(trust->targets);
    listen_tls_free(trust->listen);
    *trust = (struct trust){0};
}
