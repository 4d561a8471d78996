/* status_page: the document, which the build makes octets of, and its policy. */
#include "status_page.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#define HASH_BYTES 32
#define HASH_TEXT  (4 * ((HASH_BYTES + 2) / 3) + 1) /* in base64, with its NUL */

static const unsigned char page[] = {
#include "status_page.inc" /* status_page.html */
};

struct slice status_page(void)
{
    return (struct slice){(const char *)page, sizeof page};
}

/* Writes the hash of what stands between two tags, as a policy names it (CSP 3). */
static void hash_between(const char *open, const char *close, char text[HASH_TEXT])
{
    unsigned char hash[EVP_MAX_MD_SIZE] = {0};
    const char *end = (const char *)page + sizeof page;
    const char *from = memmem(page, sizeof page, open, strlen(open));

    text[0] = '\0';
    if (from == NULL)
        return;
    from += strlen(open);
    const char *to = memmem(from, (size_t)(end - from), close, strlen(close));
    if (to == NULL || EVP_Digest(from, (size_t)(to - from), hash, NULL, EVP_sha256(), NULL) != 1)
        return;
    EVP_EncodeBlock((unsigned char *)text, hash, HASH_BYTES);
}

void status_page_policy(char text[STATUS_PAGE_POLICY_BYTES])
{
    char style[HASH_TEXT];
    char script[HASH_TEXT];

    hash_between("<style>", "</style>", style);
    hash_between("<script>", "</script>", script);
    snprintf(text, STATUS_PAGE_POLICY_BYTES,
             "default-src 'none'; style-src 'sha256-%s'; script-src 'sha256-%s'; "
             "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
             "frame-ancestors 'none'",
             style, script);
}
