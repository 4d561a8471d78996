/* sign_in: who sent a request, by Basic authentication. */
#include "sign_in.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#define SCHEME       "Basic"
#define TOKEN_BYTES  1024u /* of the credentials in base64; crypt(3) takes 512 of a password */
#define BASE64       "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
#define DECODE_SPARE 3u /* EVP_DecodeBlock writes zeros for what was padding */

/* The credentials that were right last in this process. */
static struct {
    bool is_set;
    const struct users *users;
    unsigned long generation;
    unsigned char digest[USERS_DIGEST_BYTES];
    char name[USERS_NAME_BYTES_MAX];
    size_t name_len;
} last;

/* name:password, decoded. */
struct credentials {
    char text[TOKEN_BYTES / 4 * 3 + DECODE_SPARE];
    size_t len;
    struct slice name;
    const char *password; /* ends with a NUL */
};

void sign_in_forget(void)
{
    explicit_bzero(&last, sizeof last);
}

/* ---- reading ---- */

/* The one Authorization field's value. false without one, or with several. */
static bool find_authorization(const struct http_request *request, struct slice *value)
{
    struct slice fields = request->fields;
    struct http_field field;
    unsigned count = 0;

    while (http_field_next(&fields, &field)) {
        if (field.id != HTTP_FIELD_AUTHORIZATION)
            continue;
        *value = field.value;
        count++;
    }
    return count == 1;
}

/* What follows the scheme. false when that is another. */
static bool read_token(struct slice value, struct slice *token)
{
    size_t len = strlen(SCHEME);

    if (value.len <= len || value.at[len] != ' ' || !slice_begins_nocase(value, SCHEME))
        return false;
    *token = slice_trim((struct slice){value.at + len, value.len - len});
    return true;
}

/* Whether it is base64 to its end, with at most two = there; *padding is how many. */
static bool is_base64(struct slice token, size_t *padding)
{
    *padding = 0;
    while (*padding < 2 && token.len > 0 && token.at[token.len - 1] == '=') {
        token.len--;
        ++*padding;
    }
    for (size_t i = 0; i < token.len; i++)
        if (token.at[i] == '\0' || strchr(BASE64, token.at[i]) == NULL)
            return false;
    return token.len > 0 && (token.len + *padding) % 4 == 0;
}

/* No control octet may stand in them (RFC 7617 2); a NUL would hide what follows it. */
static bool has_control_octet(const struct credentials *credentials)
{
    for (size_t i = 0; i < credentials->len; i++)
        if ((unsigned char)credentials->text[i] < 0x20 || credentials->text[i] == 0x7F)
            return true;
    return false;
}

static bool decode(struct slice token, struct credentials *credentials)
{
    size_t padding;

    if (token.len > TOKEN_BYTES || !is_base64(token, &padding))
        return false;
    int len = EVP_DecodeBlock((unsigned char *)credentials->text, (const unsigned char *)token.at,
                              (int)token.len);
    if (len < (int)padding)
        return false;
    credentials->len = (size_t)len - padding;
    credentials->text[credentials->len] = '\0';
    const char *colon = memchr(credentials->text, ':', credentials->len);
    if (colon == NULL || has_control_octet(credentials))
        return false;
    credentials->name = (struct slice){credentials->text, (size_t)(colon - credentials->text)};
    credentials->password = colon + 1;
    return true;
}

/* ---- judging ---- */

/* Whether the password has that hash. */
static bool is_right(const char *password, struct slice hash)
{
    static struct crypt_data data; /* 32 KB */
    char setting[CRYPT_OUTPUT_SIZE];

    if (hash.len == 0 || hash.len >= sizeof setting)
        return false;
    memcpy(setting, hash.at, hash.len);
    setting[hash.len] = '\0';
    const char *made = crypt_r(password, setting, &data);
    bool right =
        made != NULL && strlen(made) == hash.len && CRYPTO_memcmp(made, hash.at, hash.len) == 0;
    explicit_bzero(&data, sizeof data);
    return right;
}

static bool is_last(const struct users *users, const unsigned char digest[USERS_DIGEST_BYTES])
{
    return last.is_set && last.users == users && last.generation == users_generation(users) &&
           CRYPTO_memcmp(last.digest, digest, USERS_DIGEST_BYTES) == 0;
}

static void remember_name(struct slice name)
{
    memcpy(last.name, name.at, name.len);
    last.name_len = name.len;
}

/* Judges what was decoded. name.at is in the memory of this module then. */
static enum sign_in_result judge(const struct users *users, const struct credentials *credentials)
{
    unsigned char digest[USERS_DIGEST_BYTES];
    bool is_known;

    bool has_digest =
        users_digest(users, (struct slice){credentials->text, credentials->len}, digest);
    if (has_digest && is_last(users, digest))
        return SIGNED_IN;
    sign_in_forget();
    struct slice hash = users_hash_of(users, credentials->name, &is_known);
    bool right = is_right(credentials->password, hash);
    if (!is_known)
        return SIGN_IN_WRONG;
    remember_name(credentials->name);
    if (!right)
        return SIGN_IN_WRONG;
    last.is_set = has_digest;
    last.users = users;
    last.generation = users_generation(users);
    memcpy(last.digest, digest, sizeof digest);
    return SIGNED_IN;
}

/* The head stays where it was received for as long as the exchange, and longer. */
static void overwrite(struct slice token)
{
    if (token.len > 0)
        memset((char *)token.at, '*', token.len);
}

enum sign_in_result sign_in_check(struct users *users, const struct http_request *request,
                                  struct slice *name)
{
    enum sign_in_result result = SIGN_IN_WRONG;
    struct credentials credentials;
    struct slice value;
    struct slice token;

    *name = (struct slice){NULL, 0};
    if (!find_authorization(request, &value) || !read_token(value, &token))
        return SIGN_IN_MISSING;
    if (decode(token, &credentials)) {
        result = judge(users, &credentials);
        *name = (struct slice){last.name, last.name_len};
    }
    explicit_bzero(&credentials, sizeof credentials);
    overwrite(token);
    return result;
}
