/* token_response: what others say about tokens: the answer of a token endpoint (RFC 6749 5), the
 * end of a JSON Web Token (RFC 7519), and the output of a program. All of it is untrusted. Pure. */
#ifndef AUTHBRIDGE_TOKEN_RESPONSE_H
#define AUTHBRIDGE_TOKEN_RESPONSE_H

#include <stdbool.h>

#include "slice.h"

#define TOKEN_RESPONSE_BYTES_MAX ((size_t)128 * 1024)
#define TOKEN_LIFETIME_MAX_S     315360000LL /* ten years: what is longer counts as that */
#define TOKEN_UNKNOWN            (-1LL)

struct token_response {
    char *token; /* visible ASCII, of len octets; freed by token_response_free */
    size_t len;
    long long expires_in_s; /* 0 or more, or TOKEN_UNKNOWN */
};

/* Makes the JSON library wipe what it frees. Once, before the first text is read. */
void token_response_init(void);

/* Reads the content of a successful answer: access_token, expires_in (a number, or one in a
 * string), and token_type, which must be Bearer where it is given. false, with nothing to free, and
 * *problem, a literal, when it cannot be used. */
bool token_response_read(struct slice content, struct token_response *response,
                         const char **problem);
void token_response_free(struct token_response *response);

/* The error code of an answer that is not successful, as a literal; NULL when it is none of those
 * that are known: whatever else stands there is not to be shown. */
const char *token_response_error(struct slice content);

/* Whether a text can be used as a token: visible ASCII, one octet at least. */
bool token_is_usable(struct slice text);

/* The exp of a JSON Web Token, in seconds since 1970; TOKEN_UNKNOWN for any other token. The
 * signature is the target's business. */
long long token_jwt_expires(struct slice token);

#endif
