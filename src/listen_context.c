/* listen_context: the SSL_CTX of listeners with TLS. */
#include "listen_context.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "privileges.h"

#define SECURITY_LEVEL 2 /* SSL_CTX_set_security_level(3): 112 bits, no SHA-1 signatures */

static const char *const names[LISTEN_FILES] = {"cert", "key", "client_ca"};

const char *listen_file_path(const struct config *config, enum listen_file file)
{
    const char *const paths[LISTEN_FILES] = {
        [LISTEN_CERT] = config->listen_tls.cert,
        [LISTEN_KEY] =
            config->listen_tls.key != NULL ? config->listen_tls.key : config->listen_tls.cert,
        [LISTEN_CLIENT_CA] = config->listen_tls.client_ca,
    };

    return paths[file];
}

/* ---- faults ---- */

bool listen_file_fail(const struct config *config, enum listen_file file, const char *why,
                      char error[LISTEN_ERROR_BYTES])
{
    char place[CONFIG_PLACE_BYTES];

    config_place_of(config, "listen-tls", names[file], place);
    if (place[0] == '\0') /* a key in the certificate's file */
        config_place_of(config, "listen-tls", names[LISTEN_CERT], place);
    snprintf(error, LISTEN_ERROR_BYTES, "%.160s: %s = %.160s: %.150s", place, names[file],
             listen_file_path(config, file), why);
    ERR_clear_error();
    return false;
}

/* The same, with OpenSSL's own reason behind it. */
static bool fail_in_openssl(const struct config *config, enum listen_file file, const char *what,
                            char error[LISTEN_ERROR_BYTES])
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    char why[160];

    snprintf(why, sizeof why, "%.100s%s%.50s%s", what, reason != NULL ? " (" : "",
             reason != NULL ? reason : "", reason != NULL ? ")" : "");
    return listen_file_fail(config, file, why, error);
}

/* ---- files ---- */

/* An encrypted key is refused: nobody is there to type its pass phrase. */
static int give_no_pass_phrase(char *into, int cap, int writes, void *context)
{
    (void)into, (void)cap, (void)writes, (void)context;
    return -1;
}

static EVP_PKEY *read_key(const char *path)
{
    BIO *file = BIO_new_file(path, "r");
    EVP_PKEY *key =
        file != NULL ? PEM_read_bio_PrivateKey(file, NULL, give_no_pass_phrase, NULL) : NULL;

    BIO_free(file);
    return key;
}

static bool check_access(const struct config *config, enum listen_file file,
                         char error[LISTEN_ERROR_BYTES])
{
    char why[128];

    if (access(listen_file_path(config, file), R_OK) == 0)
        return true;
    snprintf(why, sizeof why, "cannot read: %s%s", strerror(errno), privileges_advice(errno));
    return listen_file_fail(config, file, why, error);
}

static bool load_cert(SSL_CTX *context, const struct config *config, char error[LISTEN_ERROR_BYTES])
{
    return check_access(config, LISTEN_CERT, error) &&
           (SSL_CTX_use_certificate_chain_file(context, listen_file_path(config, LISTEN_CERT)) ==
                1 ||
            fail_in_openssl(config, LISTEN_CERT,
                            "no certificate that can be used: give a PEM file with the "
                            "certificate and its chain",
                            error));
}

static bool load_key(SSL_CTX *context, const struct config *config, char error[LISTEN_ERROR_BYTES])
{
    if (!check_access(config, LISTEN_KEY, error))
        return false;
    EVP_PKEY *key = read_key(listen_file_path(config, LISTEN_KEY));
    if (key == NULL)
        return fail_in_openssl(config, LISTEN_KEY,
                               "no key in it that can be used: give an unencrypted PEM", error);
    bool fits = X509_check_private_key(SSL_CTX_get0_certificate(context), key) == 1;
    bool used = fits && SSL_CTX_use_PrivateKey(context, key) == 1;
    EVP_PKEY_free(key);
    if (!fits)
        return listen_file_fail(config, LISTEN_KEY,
                                "it is not the key of the certificate in cert: give the two that "
                                "were made together",
                                error);
    return used || fail_in_openssl(config, LISTEN_KEY, "the key cannot be used", error);
}

static bool load_client_ca(SSL_CTX *context, const struct config *config,
                           char error[LISTEN_ERROR_BYTES])
{
    const char *path = listen_file_path(config, LISTEN_CLIENT_CA);
    int mode = SSL_VERIFY_PEER;

    if (path == NULL)
        return true;
    if (!check_access(config, LISTEN_CLIENT_CA, error))
        return false;
    STACK_OF(X509_NAME) *authorities = SSL_load_client_CA_file(path);
    if (authorities == NULL || SSL_CTX_load_verify_file(context, path) != 1) {
        sk_X509_NAME_pop_free(authorities, X509_NAME_free);
        return fail_in_openssl(config, LISTEN_CLIENT_CA,
                               "no certificates that can be used: give a PEM file", error);
    }
    SSL_CTX_set_client_CA_list(context, authorities);
    /* As for the target: an intermediate in the file is trusted by itself. */
    X509_STORE_set_flags(SSL_CTX_get_cert_store(context), X509_V_FLAG_PARTIAL_CHAIN);
    if (config->listen_tls.client_auth == CLIENT_AUTH_REQUIRE)
        mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    SSL_CTX_set_verify(context, mode, NULL);
    return true;
}

/* ---- rules ---- */

/* ALPN (RFC 7301): http/1.1 is all that is spoken here. A client that offers only others is told
 * so; one that offers nothing is served. */
static int choose_protocol(SSL *ssl, const unsigned char **chosen, unsigned char *chosen_len,
                           const unsigned char *offered, unsigned offered_len, void *context)
{
    static const unsigned char ours[] = "\x08http/1.1";
    unsigned char *found;

    (void)ssl, (void)context;
    if (SSL_select_next_proto(&found, chosen_len, ours, sizeof ours - 1, offered, offered_len) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *chosen = found;
    return SSL_TLSEXT_ERR_OK;
}

/* Sessions are in tickets that clients keep, encrypted with keys of the context: no process has to
 * ask another for one. */
static bool set_rules(SSL_CTX *context, const struct config *config)
{
    static const unsigned char sessions[] = "authbridge";
    bool only_1_3 = config->listen_tls.min_version == TLS_FROM_1_3;

    SSL_CTX_set_options(context,
                        SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CLEANSE_PLAINTEXT);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_default_passwd_cb(context, give_no_pass_phrase);
    SSL_CTX_set_read_ahead(context, 1); /* one system call a record, not two */
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_security_level(context, SECURITY_LEVEL);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    return SSL_CTX_set_min_proto_version(context, only_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION) ==
               1 &&
           SSL_CTX_set_max_proto_version(context, 0) == 1 &&
           SSL_CTX_set_session_id_context(context, sessions, sizeof sessions - 1) == 1;
}

SSL_CTX *listen_context_make(const struct config *config, char error[LISTEN_ERROR_BYTES])
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());

    ERR_clear_error();
    if (context == NULL || !set_rules(context, config)) {
        fail_in_openssl(config, LISTEN_CERT, "OpenSSL cannot be set up", error);
    } else if (load_cert(context, config, error) && load_key(context, config, error) &&
               load_client_ca(context, config, error)) {
        ERR_clear_error();
        return context;
    }
    SSL_CTX_free(context);
    return NULL;
}
