/* chain: the certificates that a target shows, and what became of their verification. */
#include "chain.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#define NAME_FLAGS (XN_FLAG_ONELINE & ~(unsigned long)ASN1_STRFLGS_ESC_MSB)

/* Verifies as OpenSSL does by itself, and keeps what it saw. */
static int verify(X509_STORE_CTX *context, void *data)
{
    struct chain *chain = data;
    int valid = X509_verify_cert(context);

    sk_X509_pop_free(chain->certificates, X509_free);
    chain->certificates = X509_STORE_CTX_get1_chain(context);
    chain->error = X509_STORE_CTX_get_error(context);
    chain->depth = X509_STORE_CTX_get_error_depth(context);
    return valid;
}

void chain_watch(struct chain *chain, SSL_CTX *tls)
{
    SSL_CTX_set_cert_verify_callback(tls, verify, chain);
}

void chain_free(struct chain *chain)
{
    sk_X509_pop_free(chain->certificates, X509_free);
    *chain = (struct chain){0};
}

size_t chain_count(const struct chain *chain)
{
    int count = chain->certificates != NULL ? sk_X509_num(chain->certificates) : 0;

    return count > 0 ? (size_t)count : 0;
}

static X509 *certificate_at(const struct chain *chain, size_t depth)
{
    return depth < chain_count(chain) ? sk_X509_value(chain->certificates, (int)depth) : NULL;
}

int chain_days_left(const struct chain *chain, size_t depth)
{
    const X509 *certificate = certificate_at(chain, depth);
    int days = 0;
    int seconds = 0;

    if (certificate == NULL ||
        ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(certificate)) != 1)
        return 0;
    return days == 0 && seconds < 0 ? -1 : days;
}

/* Moves what was printed into text, cut where it is too long. */
static void take_text(BIO *printed, char text[CHAIN_TEXT_BYTES])
{
    int len = printed != NULL ? BIO_read(printed, text, CHAIN_TEXT_BYTES - 1) : 0;

    text[len > 0 ? len : 0] = '\0';
    BIO_free(printed);
}

static void print_name(const X509_NAME *name, char text[CHAIN_TEXT_BYTES])
{
    BIO *printed = BIO_new(BIO_s_mem());

    if (printed != NULL && name != NULL)
        X509_NAME_print_ex(printed, name, 0, NAME_FLAGS);
    take_text(printed, text);
    if (text[0] == '\0')
        snprintf(text, CHAIN_TEXT_BYTES, "(no name)");
}

void chain_subject(const struct chain *chain, size_t depth, char text[CHAIN_TEXT_BYTES])
{
    const X509 *certificate = certificate_at(chain, depth);

    print_name(certificate != NULL ? X509_get_subject_name(certificate) : NULL, text);
}

void chain_issuer(const struct chain *chain, size_t depth, char text[CHAIN_TEXT_BYTES])
{
    const X509 *certificate = certificate_at(chain, depth);

    print_name(certificate != NULL ? X509_get_issuer_name(certificate) : NULL, text);
}

void chain_names(const struct chain *chain, char text[CHAIN_TEXT_BYTES])
{
    const X509 *certificate = certificate_at(chain, 0);
    BIO *printed = BIO_new(BIO_s_mem());
    GENERAL_NAMES *names = NULL;

    if (certificate != NULL)
        names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; printed != NULL && i < sk_GENERAL_NAME_num(names); i++) {
        if (i > 0)
            BIO_puts(printed, ", ");
        GENERAL_NAME_print(printed, sk_GENERAL_NAME_value(names, i));
    }
    GENERAL_NAMES_free(names);
    take_text(printed, text);
    if (text[0] == '\0')
        chain_subject(chain, 0, text);
}

void chain_pin(const struct chain *chain, char text[CHAIN_TEXT_BYTES])
{
    const X509 *certificate = certificate_at(chain, 0);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned char base64[2 * EVP_MAX_MD_SIZE];
    unsigned char *der = NULL;
    unsigned digest_len = 0;

    text[0] = '\0';
    int len = certificate != NULL ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der) : 0;
    if (len > 0 && EVP_Digest(der, (size_t)len, digest, &digest_len, EVP_sha256(), NULL) == 1) {
        EVP_EncodeBlock(base64, digest, (int)digest_len);
        snprintf(text, CHAIN_TEXT_BYTES, "sha256//%s", (const char *)base64);
    }
    OPENSSL_free(der);
}

void chain_explain_error(const struct chain *chain, char text[CHAIN_TEXT_BYTES])
{
    size_t depth = chain->depth > 0 ? (size_t)chain->depth : 0;
    char subject[CHAIN_TEXT_BYTES];
    char issuer[CHAIN_TEXT_BYTES];

    chain_subject(chain, depth, subject);
    chain_issuer(chain, depth, issuer);
    switch (chain->error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        snprintf(text, CHAIN_TEXT_BYTES,
                 "the certificate of %.300s expired %d days ago: the target's operator must renew "
                 "it (or this machine's clock is wrong)",
                 subject, -chain_days_left(chain, depth));
        break;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        snprintf(text, CHAIN_TEXT_BYTES,
                 "the certificate of %.300s is not valid yet: check this machine's clock", subject);
        break;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        snprintf(text, CHAIN_TEXT_BYTES,
                 "the certificate of %.300s is self-signed: if it is the target's indeed, save it "
                 "and name the file in ca_file",
                 subject);
        break;
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        snprintf(text, CHAIN_TEXT_BYTES,
                 "the certificate of %.300s was issued by %.300s, which is not trusted: name a "
                 "file with that authority's certificate in ca_file (or the target does not send "
                 "all of its chain)",
                 subject, issuer);
        break;
    default:
        snprintf(text, CHAIN_TEXT_BYTES,
                 "the certificate of %.300s cannot be trusted: %s; look at the target's "
                 "certificate, and at ca_file",
                 subject, X509_verify_cert_error_string(chain->error));
        break;
    }
}
