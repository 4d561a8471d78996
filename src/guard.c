/* guard: which texts must not come back in a route's responses. */
#include "guard.h"

#include <stdlib.h>
#include <string.h>

#include "http_field.h"

#define ALPHANUMERIC "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

/* Texts that are owned, and wiped when they go. */
struct texts {
    struct slice *items;
    size_t count;
};

struct guard {
    struct texts secrets; /* as they were when this was made */
    struct reflect *reflect;
};

/* ---- texts ---- */

static void free_texts(struct texts *texts)
{
    for (size_t i = 0; i < texts->count; i++) {
        char *text = (char *)texts->items[i].at;
        explicit_bzero(text, texts->items[i].len);
        free(text);
    }
    free(texts->items);
    *texts = (struct texts){0};
}

/* Room for a text of at most cap octets at the list's end; its length is 0. NULL when memory is
 * short. */
static struct slice *add_text(struct texts *texts, size_t cap)
{
    struct slice *grown = realloc(texts->items, (texts->count + 1) * sizeof *grown);

    if (grown == NULL)
        return NULL;
    texts->items = grown;
    grown[texts->count].at = malloc(cap + 1);
    grown[texts->count].len = 0;
    return grown[texts->count].at != NULL ? &grown[texts->count++] : NULL;
}

static void put(struct slice *text, char octet)
{
    ((char *)text->at)[text->len++] = octet;
}

static bool add_copy(struct texts *texts, struct slice octets)
{
    struct slice *text = add_text(texts, octets.len);

    if (text == NULL)
        return false;
    for (size_t i = 0; i < octets.len; i++)
        put(text, octets.at[i]);
    return true;
}

/* ---- secrets ---- */

static bool is_credentials(const struct config_field *field)
{
    struct slice name = slice_of(field->name);

    return http_names_are_alike(name, slice_of("Authorization")) ||
           http_names_are_alike(name, slice_of("Proxy-Authorization"));
}

/* The credentials of "Bearer credentials". */
static struct slice without_scheme(struct slice text)
{
    const char *space = text.len > 0 ? memchr(text.at, ' ', text.len) : NULL;

    if (space == NULL)
        return text;
    return slice_trim((struct slice){space, (size_t)(text.at + text.len - space)});
}

/* The secret in a part of a field's value; empty where there is none. */
static struct slice secret_in(const struct config_field *field, size_t i)
{
    const struct value_part *part = &field->value.parts[i];

    switch (part->kind) {
    case VALUE_REQUEST_ID:
    case VALUE_CLIENT_IP:
        break;
    case VALUE_LITERAL:
        if (is_credentials(field))
            return i == 0 ? without_scheme(value_part_text(part)) : value_part_text(part);
        break;
    default:
        return value_part_text(part);
    }
    return (struct slice){"", 0};
}

bool guard_leaves_out(const struct config_field *field)
{
    for (size_t i = 0; i < field->value.count; i++)
        if (field->value.parts[i].kind != VALUE_LITERAL && secret_in(field, i).len > 0 &&
            secret_in(field, i).len < GUARD_SECRET_BYTES_MIN)
            return true;
    return false;
}

/* A walk over the secrets of fields. */
struct walk {
    const struct config_fields *fields;
    size_t field, part;
};

static bool next_secret(struct walk *walk, struct slice *secret)
{
    for (; walk->field < walk->fields->count; walk->field++, walk->part = 0) {
        const struct config_field *field = &walk->fields->items[walk->field];
        while (walk->part < field->value.count) {
            *secret = secret_in(field, walk->part++);
            if (secret->len >= GUARD_SECRET_BYTES_MIN)
                return true;
        }
    }
    return false;
}

static bool is_up_to_date(const struct guard *guard, const struct config_fields *fields)
{
    struct walk walk = {.fields = fields};
    struct slice secret;
    size_t count = 0;

    while (next_secret(&walk, &secret)) {
        if (count == guard->secrets.count || !slice_equals(guard->secrets.items[count], secret))
            return false;
        count++;
    }
    return count == guard->secrets.count;
}

static bool copy_secrets(const struct config_fields *fields, struct texts *secrets)
{
    struct walk walk = {.fields = fields};
    struct slice secret;

    while (next_secret(&walk, &secret))
        if (!add_copy(secrets, secret))
            return false;
    return true;
}

/* ---- forms ---- */

/* Within a JSON string; some writers escape the solidus too. */
static bool add_json(struct texts *forms, struct slice secret, bool with_solidus)
{
    struct slice *text = add_text(forms, 2 * secret.len);

    if (text == NULL)
        return false;
    for (size_t i = 0; i < secret.len; i++) {
        char c = secret.at[i];
        if (c == '"' || c == '\\' || (c == '/' && with_solidus))
            put(text, '\\');
        put(text, c);
    }
    return true;
}

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

/* RFC 3986 2.1. */
static bool add_percent(struct texts *forms, struct slice secret, const char *digits)
{
    struct slice *text = add_text(forms, 3 * secret.len);

    if (text == NULL)
        return false;
    for (size_t i = 0; i < secret.len; i++) {
        unsigned char octet = (unsigned char)secret.at[i];
        if (is_unreserved(secret.at[i])) {
            put(text, secret.at[i]);
            continue;
        }
        put(text, '%');
        put(text, digits[octet / 16]);
        put(text, digits[octet % 16]);
    }
    return true;
}

/* Six bits of the octets. */
static unsigned bits_at(struct slice octets, size_t bit)
{
    size_t at = bit / 8;
    unsigned two = (unsigned)(unsigned char)octets.at[at] << 8;

    if (at + 1 < octets.len)
        two |= (unsigned char)octets.at[at + 1];
    return two >> (10 - bit % 8) & 0x3Fu;
}

/* The characters that stand for the secret alone where before octets precede it in what is encoded
 * (RFC 4648 4): that many octets and what follows decide the ones at its borders. */
static bool add_base64(struct texts *forms, struct slice secret, size_t before, const char *digits)
{
    struct slice *text = add_text(forms, secret.len / 3 * 4 + 4);
    size_t from = (8 * before + 5) / 6;
    size_t to = 8 * (before + secret.len) / 6;

    if (text == NULL)
        return false;
    for (size_t i = from; i < to; i++) {
        unsigned bits = bits_at(secret, 6 * i - 8 * before);
        put(text, digits[bits]);
    }
    return true;
}

static bool add_forms(struct texts *forms, struct slice secret)
{
    if (!add_copy(forms, secret))
        return false;
    if (secret.len > GUARD_ENCODED_BYTES_MAX)
        return true;
    for (size_t before = 0; before < 3; before++)
        if (!add_base64(forms, secret, before, ALPHANUMERIC "+/") ||
            !add_base64(forms, secret, before, ALPHANUMERIC "-_"))
            return false;
    return add_json(forms, secret, false) && add_json(forms, secret, true) &&
           add_percent(forms, secret, "0123456789ABCDEF") &&
           add_percent(forms, secret, "0123456789abcdef");
}

/* Forms that are the same cost nothing: they are one in what is looked for. */
static struct reflect *look_for(const struct texts *secrets)
{
    struct texts forms = {0};
    struct reflect *reflect = NULL;
    bool complete = true;

    for (size_t i = 0; complete && i < secrets->count; i++)
        complete = add_forms(&forms, secrets->items[i]);
    if (complete)
        reflect = reflect_new(forms.items, forms.count);
    free_texts(&forms);
    return reflect;
}

/* ---- the guard ---- */

struct guard *guard_new(void)
{
    struct guard *guard = calloc(1, sizeof *guard);

    if (guard != NULL)
        guard->reflect = reflect_new(NULL, 0);
    if (guard != NULL && guard->reflect != NULL)
        return guard;
    free(guard);
    return NULL;
}

void guard_free(struct guard *guard)
{
    if (guard == NULL)
        return;
    free_texts(&guard->secrets);
    reflect_free(guard->reflect);
    free(guard);
}

bool guard_refresh(struct guard *guard, const struct config_fields *fields)
{
    struct texts secrets = {0};

    if (is_up_to_date(guard, fields))
        return true;
    struct reflect *reflect = copy_secrets(fields, &secrets) ? look_for(&secrets) : NULL;
    if (reflect == NULL) {
        free_texts(&secrets);
        return false;
    }
    free_texts(&guard->secrets);
    reflect_free(guard->reflect);
    *guard = (struct guard){.secrets = secrets, .reflect = reflect};
    return true;
}

const struct reflect *guard_texts(const struct guard *guard)
{
    return guard->reflect;
}
