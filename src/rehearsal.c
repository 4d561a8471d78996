/* rehearsal: a TLS handshake with ourselves, in memory, before any fork. */
#include "rehearsal.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#define STEPS_MAX     16 /* of a handshake; some five are needed */
#define VALID_SECONDS 3600

/* Both sides; the certificate is the server's own and trusted by the client. */
struct rehearsal {
    EVP_PKEY *key;
    X509 *certificate;
    SSL_CTX *server_context, *client_context;
    SSL *server, *client;
};

static bool make_certificate(struct rehearsal *r)
{
    static const unsigned char name[] = "rehearsal";

    r->key = EVP_EC_gen("P-256");
    r->certificate = X509_new();
    if (r->key == NULL || r->certificate == NULL)
        return false;
    X509_NAME *subject = X509_get_subject_name(r->certificate);
    return X509_set_version(r->certificate, X509_VERSION_3) == 1 &&
           ASN1_INTEGER_set(X509_get_serialNumber(r->certificate), 1) == 1 &&
           X509_gmtime_adj(X509_getm_notBefore(r->certificate), -VALID_SECONDS) != NULL &&
           X509_gmtime_adj(X509_getm_notAfter(r->certificate), VALID_SECONDS) != NULL &&
           X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, name, -1, -1, 0) == 1 &&
           X509_set_issuer_name(r->certificate, subject) == 1 &&
           X509_set_pubkey(r->certificate, r->key) == 1 &&
           X509_sign(r->certificate, r->key, EVP_sha256()) > 0;
}

static bool make_contexts(struct rehearsal *r, int version)
{
    r->server_context = SSL_CTX_new(TLS_server_method());
    r->client_context = SSL_CTX_new(TLS_client_method());
    if (r->server_context == NULL || r->client_context == NULL)
        return false;
    SSL_CTX_set_verify(r->client_context, SSL_VERIFY_PEER, NULL);
    return SSL_CTX_set_max_proto_version(r->client_context, version) == 1 &&
           SSL_CTX_use_certificate(r->server_context, r->certificate) == 1 &&
           SSL_CTX_use_PrivateKey(r->server_context, r->key) == 1 &&
           X509_STORE_add_cert(SSL_CTX_get_cert_store(r->client_context), r->certificate) == 1;
}

static bool join(struct rehearsal *r)
{
    BIO *ours = NULL;
    BIO *theirs = NULL;

    r->server = SSL_new(r->server_context);
    r->client = SSL_new(r->client_context);
    if (r->server == NULL || r->client == NULL || BIO_new_bio_pair(&ours, 0, &theirs, 0) != 1)
        return false;
    SSL_set_bio(r->server, ours, ours);
    SSL_set_bio(r->client, theirs, theirs);
    SSL_set_accept_state(r->server);
    SSL_set_connect_state(r->client);
    return true;
}

/* The handshake, then an octet each way, as for a request and its response. */
static bool talk(const struct rehearsal *r)
{
    char octet = 0;

    for (int i = 0; i < STEPS_MAX && !SSL_is_init_finished(r->server); i++) {
        SSL_do_handshake(r->client);
        SSL_do_handshake(r->server);
    }
    return SSL_write(r->client, &octet, 1) == 1 && SSL_read(r->server, &octet, 1) == 1 &&
           SSL_write(r->server, &octet, 1) == 1 && SSL_read(r->client, &octet, 1) == 1;
}

static bool rehearse(struct rehearsal *r, int version)
{
    bool completed = make_contexts(r, version) && join(r) && talk(r);

    SSL_free(r->client);
    SSL_free(r->server);
    SSL_CTX_free(r->client_context);
    SSL_CTX_free(r->server_context);
    r->client = r->server = NULL;
    r->client_context = r->server_context = NULL;
    return completed;
}

bool rehearsal_run(void)
{
    static const int versions[] = {TLS1_3_VERSION, TLS1_2_VERSION};
    struct rehearsal r = {0};
    bool completed = false;

    if (make_certificate(&r))
        for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++)
            if (rehearse(&r, versions[i]))
                completed = true;
    X509_free(r.certificate);
    EVP_PKEY_free(r.key);
    ERR_clear_error();
    return completed;
}
