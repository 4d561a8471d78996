/* value: header values with ${...} in them. */
#include "value.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "address.h"

#define VALUE_MASK_BYTES 16u /* of one part, described: "${request_id}" */

__attribute__((format(printf, 2, 3))) static bool fail(char error[VALUE_ERROR_BYTES],
                                                       const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(error, VALUE_ERROR_BYTES, format, arguments);
    va_end(arguments);
    return false;
}

static bool extend_part(struct value_part *part, struct slice text)
{
    char *longer = realloc(part->text, part->len + text.len + 1);

    if (longer == NULL)
        return false;
    part->text = longer;
    if (text.len > 0)
        memcpy(part->text + part->len, text.at, text.len);
    part->len += text.len;
    return true;
}

/* Adds a part with a copy of the text; literals that follow one another become one. */
static bool add_part(struct value *value, enum value_part_kind kind, struct slice text)
{
    struct value_part *last = value->count > 0 ? &value->parts[value->count - 1] : NULL;

    if (last != NULL && kind == VALUE_LITERAL && last->kind == VALUE_LITERAL)
        return extend_part(last, text);
    struct value_part *parts = realloc(value->parts, (value->count + 1) * sizeof *parts);
    if (parts == NULL)
        return false;
    value->parts = parts;
    parts[value->count] = (struct value_part){.kind = kind};
    return extend_part(&parts[value->count++], text);
}

static bool add_secret(struct value *value, struct slice text, const char *source,
                       char error[VALUE_ERROR_BYTES])
{
    if (text.len == 0)
        return fail(error, "%s is empty", source);
    if (!secret_check_octets(text, source, 0, error))
        return false;
    return add_part(value, VALUE_SECRET, text) || fail(error, "out of memory");
}

static bool add_file(struct value *value, const char *path, char error[VALUE_ERROR_BYTES])
{
    struct secret *secret = secret_open(path, error);

    if (secret == NULL)
        return false;
    if (!add_part(value, VALUE_FILE, (struct slice){"", 0})) {
        secret_free(secret);
        return fail(error, "out of memory");
    }
    value->parts[value->count - 1].secret = secret;
    return true;
}

static bool add_env(struct value *value, const char *name, char error[VALUE_ERROR_BYTES])
{
    const char *content = getenv(name);
    char source[128];

    if (content == NULL)
        return fail(error, "the environment variable %.80s is not set", name);
    snprintf(source, sizeof source, "the environment variable %.80s", name);
    return add_secret(value, slice_of(content), source, error);
}

static bool add_cred(struct value *value, const char *name, char error[VALUE_ERROR_BYTES])
{
    const char *directory = getenv("CREDENTIALS_DIRECTORY");
    char path[PATH_MAX];

    if (strchr(name, '/') != NULL || name[0] == '.')
        return fail(error, "${cred:%.80s}: give a credential's name, not a path", name);
    if (directory == NULL)
        return fail(error,
                    "${cred:%.40s} needs CREDENTIALS_DIRECTORY, which systemd sets for units "
                    "with LoadCredential=; by hand: systemd-run -P -p LoadCredential=%.40s:/path "
                    "authbridge ...",
                    name, name);
    if ((size_t)snprintf(path, sizeof path, "%s/%s", directory, name) >= sizeof path)
        return fail(error, "${cred:%.80s}: its path is too long", name);
    if (access(path, F_OK) != 0 && errno == ENOENT)
        return fail(error,
                    "there is no credential %.40s: write LoadCredential=%.40s:/path into the unit; "
                    "authbridge.service finds token and api-key in "
                    "/etc/credstore/authbridge.token and authbridge.api-key",
                    name, name);
    return add_file(value, path, error);
}

static bool add_variable(struct value *value, const char *name, char error[VALUE_ERROR_BYTES])
{
    const struct slice none = {"", 0};

    if (strncmp(name, "env:", 4) == 0 && name[4] != '\0')
        return add_env(value, name + 4, error);
    if (strncmp(name, "file:", 5) == 0 && name[5] == '/')
        return add_file(value, name + 5, error);
    if (strncmp(name, "cred:", 5) == 0 && name[5] != '\0')
        return add_cred(value, name + 5, error);
    if (strncmp(name, "token:", 6) == 0 && name[6] != '\0')
        return add_part(value, VALUE_TOKEN, slice_of(name + 6)) || fail(error, "out of memory");
    if (strcmp(name, "request_id") == 0)
        return add_part(value, VALUE_REQUEST_ID, none) || fail(error, "out of memory");
    if (strcmp(name, "client_ip") == 0)
        return add_part(value, VALUE_CLIENT_IP, none) || fail(error, "out of memory");
    return fail(error,
                "${%.80s} is not known; give ${env:NAME}, ${file:/path}, ${cred:name}, "
                "${token:name}, ${request_id}, ${client_ip} or $$ for a dollar sign",
                name);
}

/* Takes "${name}" at text; *len is how much of text it was. */
static bool compile_variable(struct value *value, const char *text, size_t *len,
                             char error[VALUE_ERROR_BYTES])
{
    char name[PATH_MAX];
    const char *close = strchr(text, '}');

    if (text[1] != '{' || close == NULL || (size_t)(close - (text + 2)) >= sizeof name)
        return fail(error, "a dollar sign is written $$, a variable ${name}");
    size_t name_len = (size_t)(close - (text + 2));
    memcpy(name, text + 2, name_len);
    name[name_len] = '\0';
    *len = name_len + 3;
    return add_variable(value, name, error);
}

/* The most bytes that a part can become, whatever its file or token will be. */
static size_t part_bytes_max(const struct value_part *part)
{
    switch (part->kind) {
    case VALUE_REQUEST_ID:
        return REQUEST_ID_BYTES;
    case VALUE_CLIENT_IP:
        return ADDRESS_TEXT_BYTES;
    case VALUE_FILE:
    case VALUE_TOKEN:
        return SECRET_BYTES_MAX;
    default:
        return value_part_text(part).len;
    }
}

/* The most bytes that a value can become; a file counts as it is now, or as large as it may get. */
static size_t sum_bytes(const struct value *value, bool with_room)
{
    size_t bytes = 0;

    for (size_t i = 0; i < value->count; i++) {
        const struct value_part *part = &value->parts[i];
        bool may_change = part->kind == VALUE_FILE || part->kind == VALUE_TOKEN;
        bytes += may_change && !with_room ? value_part_text(part).len : part_bytes_max(part);
    }
    return bytes;
}

static bool compile_parts(const char *text, struct value *value, char error[VALUE_ERROR_BYTES])
{
    const char *whole = text;

    while (*text != '\0') {
        size_t len = strcspn(text, "$");
        if (len > 0) {
            struct slice literal = {text, len};
            if (!secret_check_octets(literal, "the value", (size_t)(text - whole), error))
                return false;
            if (!add_part(value, VALUE_LITERAL, literal))
                return fail(error, "out of memory");
        } else if (text[1] == '$') {
            len = 2;
            if (!add_part(value, VALUE_LITERAL, slice_of("$")))
                return fail(error, "out of memory");
        } else if (!compile_variable(value, text, &len, error)) {
            return false;
        }
        text += len;
    }
    if (sum_bytes(value, false) > VALUE_BYTES_MAX)
        return fail(error, "the value is longer than %zu bytes", VALUE_BYTES_MAX);
    return true;
}

bool value_compile(const char *text, struct value *value, char error[VALUE_ERROR_BYTES])
{
    *value = (struct value){0};
    if (compile_parts(text, value, error))
        return true;
    value_free(value);
    return false;
}

void value_free(struct value *value)
{
    for (size_t i = 0; i < value->count; i++) {
        if (value->parts[i].text != NULL)
            explicit_bzero(value->parts[i].text, value->parts[i].len);
        free(value->parts[i].text);
        secret_free(value->parts[i].secret);
    }
    free(value->parts);
    *value = (struct value){0};
}

struct slice value_part_text(const struct value_part *part)
{
    if (part->kind == VALUE_FILE)
        return secret_text(part->secret);
    if (part->kind == VALUE_TOKEN)
        return part->token != NULL ? token_text(part->token) : (struct slice){NULL, 0};
    return (struct slice){part->text, part->len};
}

void value_render(const struct value *value, const struct value_context *context,
                  struct buffer *out)
{
    for (size_t i = 0; i < value->count; i++) {
        const struct value_part *part = &value->parts[i];
        if (part->kind == VALUE_REQUEST_ID)
            buffer_add(out, context->request_id);
        else if (part->kind == VALUE_CLIENT_IP)
            buffer_add(out, context->client_ip);
        else
            buffer_add(out, value_part_text(part));
    }
}

size_t value_bytes_max(const struct value *value)
{
    return sum_bytes(value, true);
}

bool value_has_file(const struct value *value)
{
    for (size_t i = 0; i < value->count; i++)
        if (value->parts[i].kind == VALUE_FILE)
            return true;
    return false;
}

const char *value_refresh(const struct value *value, long long now)
{
    const char *problem = NULL;

    for (size_t i = 0; i < value->count; i++) {
        const char *fault = NULL;
        if (value->parts[i].kind == VALUE_FILE)
            fault = secret_refresh(value->parts[i].secret, now);
        if (fault != NULL)
            problem = fault;
    }
    return problem;
}

bool value_mask(struct value *value)
{
    struct value masked = {0};
    struct buffer text;
    bool shown = false;

    if (buffer_init(&text, VALUE_MASK_BYTES * (value->count + 1))) {
        value_describe(value, true, &text);
        shown = add_part(&masked, VALUE_LITERAL, buffer_content(&text));
        buffer_free(&text);
    }
    value_free(value);
    *value = masked;
    return shown;
}

void value_describe(const struct value *value, bool hide_literals, struct buffer *out)
{
    bool starred = false; /* neighbours that are hidden show as one */

    for (size_t i = 0; i < value->count; i++) {
        const struct value_part *part = &value->parts[i];
        bool hidden = part->kind == VALUE_SECRET || part->kind == VALUE_FILE ||
                      part->kind == VALUE_TOKEN || (part->kind == VALUE_LITERAL && hide_literals);
        if (hidden && !starred)
            buffer_add_text(out, "***");
        starred = hidden;
        if (part->kind == VALUE_LITERAL && !hide_literals)
            buffer_add(out, (struct slice){part->text, part->len});
        else if (part->kind == VALUE_REQUEST_ID)
            buffer_add_text(out, "${request_id}");
        else if (part->kind == VALUE_CLIENT_IP)
            buffer_add_text(out, "${client_ip}");
    }
}
