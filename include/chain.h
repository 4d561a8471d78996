/* chain: the certificates that a target shows, what became of their verification, and what that
 * means in plain words. */
#ifndef AUTHBRIDGE_CHAIN_H
#define AUTHBRIDGE_CHAIN_H

#include <openssl/types.h>
#include <stddef.h>
#include <stdio.h>

#define CHAIN_TEXT_BYTES 1024u

struct chain {
    struct stack_st_X509 *certificates; /* the target's first; NULL: none has been seen */
    int error;                          /* X509_V_OK, or why they are not trusted */
    int depth;                          /* of the certificate that the error is about */
};

/* Has a connection's certificates kept when they are verified; verification itself stays as it is.
 * The chain must outlive the connection. */
void chain_watch(struct chain *chain, SSL_CTX *tls);
void chain_free(struct chain *chain);

/* How many there are, and for how many days one is still valid; negative: it has expired. */
size_t chain_count(const struct chain *chain);
int chain_days_left(const struct chain *chain, size_t depth);

/* Write whom a certificate is for, and who issued it, each on one line of text. */
void chain_subject(const struct chain *chain, size_t depth, char text[CHAIN_TEXT_BYTES]);
void chain_issuer(const struct chain *chain, size_t depth, char text[CHAIN_TEXT_BYTES]);

/* Writes the names that the target's certificate is valid for: "DNS:a.example, DNS:b.example". */
void chain_names(const struct chain *chain, char text[CHAIN_TEXT_BYTES]);

/* Writes the target's public key as pinned_key has it, sha256//BASE64; "" when there is none. */
void chain_pin(const struct chain *chain, char text[CHAIN_TEXT_BYTES]);

/* Writes why the chain is not trusted, and what to do; for error other than X509_V_OK. */
void chain_explain_error(const struct chain *chain, char text[CHAIN_TEXT_BYTES]);

#endif
