/* secret: a text in a file of its own, read again when the file changes. */
#include "secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "followed_file.h"
#include "http_field.h"

#define READ_BYTES (SECRET_BYTES_MAX + 3) /* of full size, its CRLF, and one too many */

_Static_assert(SECRET_ERROR_BYTES == FOLLOWED_FILE_ERROR_BYTES, "one is passed on as the other");

struct secret {
    struct followed_file *file;
    char *text;
    size_t len;
};

/* ---- texts ---- */

bool secret_check_octets(struct slice text, const char *source, size_t before,
                         char error[SECRET_ERROR_BYTES])
{
    for (size_t i = 0; i < text.len; i++) {
        if (http_is_content_octet(text.at[i]))
            continue;
        snprintf(error, SECRET_ERROR_BYTES,
                 "%.100s holds a control octet (0x%02x) at byte %zu; a header value must be one "
                 "line of text",
                 source, (unsigned)(unsigned char)text.at[i], before + i + 1);
        return false;
    }
    return true;
}

static struct slice drop_newline(struct slice text)
{
    if (text.len == 0 || text.at[text.len - 1] != '\n')
        return text;
    text.len--;
    if (text.len > 0 && text.at[text.len - 1] == '\r')
        text.len--;
    return text;
}

static bool check_text(struct slice text, const char *path, char error[SECRET_ERROR_BYTES])
{
    if (text.len == 0)
        snprintf(error, SECRET_ERROR_BYTES, "%.200s is empty", path);
    else if (text.len > SECRET_BYTES_MAX)
        snprintf(error, SECRET_ERROR_BYTES, "%.150s is longer than %zu bytes", path,
                 SECRET_BYTES_MAX);
    else
        return secret_check_octets(text, path, 0, error);
    return false;
}

static void forget_text(void *owner)
{
    struct secret *secret = owner;

    if (secret->text != NULL)
        explicit_bzero(secret->text, secret->len);
    free(secret->text);
    secret->text = NULL;
    secret->len = 0;
}

/* Takes a file's text over, for followed_file. */
static bool take_text(void *owner, const char *path, struct slice content, bool *is_new,
                      char error[SECRET_ERROR_BYTES])
{
    struct secret *secret = owner;
    struct slice text = drop_newline(content);

    if (!check_text(text, path, error))
        return false;
    char *copy = malloc(text.len + 1);
    if (copy == NULL) {
        snprintf(error, SECRET_ERROR_BYTES, "out of memory");
        return false;
    }
    memcpy(copy, text.at, text.len);
    *is_new = !slice_equals(text, secret_text(secret));
    forget_text(secret);
    secret->text = copy;
    secret->len = text.len;
    return true;
}

/* ---- files ---- */

static const struct followed_kind kind = {
    .bytes = READ_BYTES,
    .take = take_text,
    .forget = forget_text,
    .consequence = "requests are answered with 502",
};

struct secret *secret_open(const char *path, char error[SECRET_ERROR_BYTES])
{
    struct secret *secret = calloc(1, sizeof *secret);

    snprintf(error, SECRET_ERROR_BYTES, "out of memory");
    if (secret == NULL)
        return NULL;
    secret->file = followed_file_open(path, &kind, secret, error);
    if (secret->file != NULL)
        return secret;
    secret_free(secret);
    return NULL;
}

void secret_free(struct secret *secret)
{
    if (secret == NULL)
        return;
    forget_text(secret);
    followed_file_free(secret->file);
    free(secret);
}

struct slice secret_text(const struct secret *secret)
{
    return (struct slice){secret->text, secret->len};
}

const char *secret_path(const struct secret *secret)
{
    return followed_file_path(secret->file);
}

bool secret_keep_if_unreadable(struct secret *secret)
{
    return followed_file_keep_if_unreadable(secret->file);
}

const char *secret_refresh(struct secret *secret, long long now)
{
    return followed_file_refresh(secret->file, now);
}
