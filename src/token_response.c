/* token_response: what others say about tokens. */
#include "token_response.h"

#include <jansson.h>
#include <malloc.h>
#include <math.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define JWT_PAYLOAD_BYTES_MAX ((size_t)64 * 1024)

static void free_wiped(void *memory)
{
    if (memory != NULL)
        explicit_bzero(memory, malloc_usable_size(memory));
    free(memory);
}

void token_response_init(void)
{
    json_set_alloc_funcs(malloc, free_wiped);
}

bool token_is_usable(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] <= 0x20 || text.at[i] >= 0x7F)
            return false;
    return text.len > 0;
}

/* ---- numbers ---- */

static long long bounded(double seconds)
{
    return seconds < (double)TOKEN_LIFETIME_MAX_S ? (long long)seconds : TOKEN_LIFETIME_MAX_S;
}

/* A number of seconds, in digits with a fraction perhaps. */
static bool read_digits(const char *text, long long *seconds)
{
    size_t digits = strspn(text, "0123456789");
    const char *rest = text + digits;
    unsigned long long whole;

    if (*rest == '.')
        rest += 1 + strspn(rest + 1, "0123456789");
    if (digits == 0 || *rest != '\0')
        return false;
    *seconds = slice_to_number((struct slice){text, digits}, TOKEN_LIFETIME_MAX_S, &whole)
                   ? (long long)whole
                   : TOKEN_LIFETIME_MAX_S;
    return true;
}

static bool read_expires_in(const json_t *value, long long *seconds)
{
    *seconds = TOKEN_UNKNOWN;
    if (value == NULL || json_is_null(value))
        return true;
    if (json_is_string(value))
        return read_digits(json_string_value(value), seconds);
    if (!json_is_number(value) || !(json_number_value(value) >= 0))
        return false;
    *seconds = bounded(json_number_value(value));
    return true;
}

/* ---- the answer of a token endpoint ---- */

static bool is_bearer(const json_t *type)
{
    return type == NULL || json_is_null(type) ||
           (json_is_string(type) && strcasecmp(json_string_value(type), "Bearer") == 0);
}

static const char *read_members(const json_t *object, struct token_response *response)
{
    const json_t *token = json_object_get(object, "access_token");

    if (!json_is_object(object))
        return "the answer is no JSON object";
    if (!json_is_string(token))
        return "the answer has no access_token";
    if (!is_bearer(json_object_get(object, "token_type")))
        return "the token's token_type is not Bearer";
    if (!read_expires_in(json_object_get(object, "expires_in"), &response->expires_in_s))
        return "the answer's expires_in is no number of seconds";
    struct slice text = {json_string_value(token), json_string_length(token)};
    if (!token_is_usable(text))
        return "the answer's access_token holds what cannot stand in a header";
    response->token = malloc(text.len);
    if (response->token == NULL)
        return "out of memory";
    memcpy(response->token, text.at, text.len);
    response->len = text.len;
    return NULL;
}

bool token_response_read(struct slice content, struct token_response *response,
                         const char **problem)
{
    json_t *object = json_loadb(content.at, content.len, JSON_REJECT_DUPLICATES, NULL);

    *response = (struct token_response){.expires_in_s = TOKEN_UNKNOWN};
    *problem = object != NULL ? read_members(object, response) : "the answer is no JSON";
    json_decref(object);
    return *problem == NULL;
}

void token_response_free(struct token_response *response)
{
    if (response->token != NULL)
        explicit_bzero(response->token, response->len);
    free(response->token);
    *response = (struct token_response){0};
}

const char *token_response_error(struct slice content)
{
    static const char *const known[] = {
        "invalid_request",         "invalid_client", "invalid_grant", "unauthorized_client",
        "unsupported_grant_type",  "invalid_scope",  "access_denied", "invalid_target",
        "temporarily_unavailable", "server_error",
    };
    json_t *object = json_loadb(content.at, content.len, JSON_REJECT_DUPLICATES, NULL);
    const char *code = json_string_value(json_object_get(object, "error"));
    const char *found = NULL;

    for (size_t i = 0; code != NULL && i < sizeof known / sizeof known[0]; i++)
        if (strcmp(code, known[i]) == 0)
            found = known[i];
    json_decref(object);
    return found;
}

/* ---- JSON Web Tokens ---- */

/* The payload of header.payload.signature. */
static bool find_payload(struct slice token, struct slice *payload)
{
    const char *first = token.len > 0 ? memchr(token.at, '.', token.len) : NULL;

    if (first == NULL || first == token.at)
        return false;
    payload->at = first + 1;
    size_t left = token.len - (size_t)(payload->at - token.at);
    const char *second = left > 0 ? memchr(payload->at, '.', left) : NULL;
    if (second == NULL)
        return false;
    payload->len = (size_t)(second - payload->at);
    left -= payload->len + 1;
    return payload->len > 0 && payload->len <= JWT_PAYLOAD_BYTES_MAX &&
           (left == 0 || memchr(second + 1, '.', left) == NULL);
}

/* Decodes base64url without padding (RFC 7515 2) into text that has room for it. false when it is
 * none. */
static bool decode(struct slice encoded, unsigned char *text, size_t *len)
{
    size_t padding = (4 - encoded.len % 4) % 4;
    unsigned char *standard = malloc(encoded.len + padding);
    bool valid = standard != NULL && padding != 3;

    for (size_t i = 0; valid && i < encoded.len; i++) {
        char c = encoded.at[i];
        valid = c != '+' && c != '/' && c != '=';
        standard[i] = (unsigned char)(c == '-' ? '+' : c == '_' ? '/' : c);
    }
    if (valid) {
        memset(standard + encoded.len, '=', padding);
        int got = EVP_DecodeBlock(text, standard, (int)(encoded.len + padding));
        valid = got >= (int)padding;
        *len = valid ? (size_t)got - padding : 0;
    }
    if (standard != NULL)
        explicit_bzero(standard, encoded.len);
    free(standard);
    return valid;
}

static long long read_exp(struct slice payload)
{
    json_t *object = json_loadb(payload.at, payload.len, JSON_REJECT_DUPLICATES, NULL);
    const json_t *exp = json_object_get(object, "exp");
    double seconds = json_is_number(exp) ? json_number_value(exp) : -1;
    long long expires = TOKEN_UNKNOWN;

    if (isfinite(seconds) && seconds >= 0 && seconds < 1e12)
        expires = (long long)seconds;
    json_decref(object);
    return expires;
}

long long token_jwt_expires(struct slice token)
{
    long long expires = TOKEN_UNKNOWN;
    struct slice encoded;
    size_t len;

    if (!find_payload(token, &encoded))
        return TOKEN_UNKNOWN;
    unsigned char *payload = malloc(encoded.len + 4);
    if (payload != NULL && decode(encoded, payload, &len)) {
        expires = read_exp((struct slice){(const char *)payload, len});
        explicit_bzero(payload, encoded.len);
    }
    free(payload);
    return expires;
}
