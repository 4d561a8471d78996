/* value: header values with ${...} in them. What does not change with the request is resolved
 * at load: ${env:NAME}, ${file:/path}, ${cred:name}, $$; files are read again when they change.
 * What does is put in for each request: ${request_id}, ${client_ip}. ${token:name} is whatever the
 * token is at the moment. */
#ifndef AUTHBRIDGE_VALUE_H
#define AUTHBRIDGE_VALUE_H

#include <stdbool.h>
#include <stddef.h>

#include "buffer.h"
#include "secret.h"
#include "token.h"

#define VALUE_BYTES_MAX   SECRET_BYTES_MAX /* of one value, expanded as it is at load */
#define VALUE_ERROR_BYTES SECRET_ERROR_BYTES
#define REQUEST_ID_BYTES  32u /* 128 random bits in hexadecimal digits */

/* What the variables of one request stand for, and whether its client is believed. */
struct value_context {
    struct slice request_id;
    struct slice client_ip;
    bool client_has_tls;           /* it speaks TLS with the bridge */
    bool client_is_trusted;        /* what it says of others before it counts (trusted) */
    const struct mapping *mapping; /* between its view and the target's; NULL: the same */
};

enum value_part_kind {
    VALUE_LITERAL,
    VALUE_SECRET, /* from the environment */
    VALUE_FILE,
    VALUE_TOKEN,
    VALUE_REQUEST_ID,
    VALUE_CLIENT_IP
};

struct value_part {
    enum value_part_kind kind;
    char *text; /* literals, secrets, a token's name: owned by the value, of len octets */
    size_t len;
    struct secret
        *secret;         /* of a file: owned by the value, and the only thing that changes in it */
    struct token *token; /* the configuration's; NULL until that has found it */
};

struct value {
    struct value_part *parts;
    size_t count;
};

/* Resolves text into *value, which the caller frees. false leaves nothing to free and says in
 * error, without the secret, what is wrong and what would be right. */
bool value_compile(const char *text, struct value *value, char error[VALUE_ERROR_BYTES]);
void value_free(struct value *value);

/* Appends the value as it is for this request. */
void value_render(const struct value *value, const struct value_context *context,
                  struct buffer *out);

/* The most bytes that value_render appends, whatever the files will hold. */
size_t value_bytes_max(const struct value *value);

/* Whether a part of it has a file. */
bool value_has_file(const struct value *value);

/* The text of a literal, a secret, a file or a token. */
struct slice value_part_text(const struct value_part *part);

/* Reads again what has changed (secret_refresh). NULL, or why the value cannot be used. */
const char *value_refresh(const struct value *value, long long now);

/* Appends the value for people: what came from outside the file as ***; literals too when
 * hide_literals is set. */
void value_describe(const struct value *value, bool hide_literals, struct buffer *out);

/* Puts that description, literals hidden, in the value's place: it renders for people from then on.
 * false when memory is short: the value is then empty. */
bool value_mask(struct value *value);

#endif
