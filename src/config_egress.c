/* config_egress: the outgoing proxy's URL, made from a value whose secrets may change. */
#include <stdlib.h>
#include <string.h>

#include "config_loader.h"

/* A secret goes into a URL percent-encoded, so that no octet of it is taken for the URL's own. */
static void add_encoded(struct buffer *out, struct slice text)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        const char octet[] = {'%', digits[c >> 4], digits[c & 15]};
        buffer_add(out, (struct slice){octet, sizeof octet});
    }
}

/* Writes the URL that an egress value stands for, with its NUL. A value that is one secret is a
 * URL by itself. false for a variable that only a request gives. */
static bool render_url(const struct value *value, struct buffer *out)
{
    for (size_t i = 0; i < value->count; i++) {
        const struct value_part *part = &value->parts[i];
        struct slice text = value_part_text(part);
        bool is_secret = part->kind == VALUE_SECRET || part->kind == VALUE_FILE;
        if (is_secret && value->count > 1)
            add_encoded(out, text);
        else if (is_secret || part->kind == VALUE_LITERAL)
            buffer_add(out, text);
        else
            return false;
    }
    buffer_add(out, (struct slice){"", 1});
    return !out->overflowed;
}

/* The URL as text of its own, which the caller clears and frees. */
static char *make_url(const struct value *value)
{
    struct buffer url;

    if (!buffer_init(&url, 3 * value_bytes_max(value) + 1))
        return NULL;
    char *text = render_url(value, &url) ? strdup(url.at) : NULL;
    explicit_bzero(url.at, url.end);
    buffer_free(&url);
    return text;
}

char *config_make_egress_url(const struct config *config)
{
    if (config->egress_value.count > 0)
        return make_url(&config->egress_value);
    return strdup(config->egress.url != NULL ? config->egress.url : "");
}

void config_set_egress(struct config_loader *loader, const char *text)
{
    struct config *config = loader->config;
    char error[VALUE_ERROR_BYTES];
    struct value value;

    if (!value_compile(text, &value, error)) {
        config_fault(loader, "egress: %s", error);
        return;
    }
    egress_free(&config->egress);
    value_free(&config->egress_value);
    char *url = make_url(&value);
    if (url == NULL || !egress_parse(url, &config->egress))
        config_fault(loader, "egress: give the outgoing proxy's URL with its port, for example "
                             "http://proxy.example.com:3128 or socks5h://127.0.0.1:1080; user and "
                             "password from ${env:NAME}, ${file:/path} or ${cred:name}, or percent-"
                             "encoded");
    else if (value_has_file(&value))
        config->egress_value = value;
    if (url != NULL)
        explicit_bzero(url, strlen(url));
    free(url);
    if (config->egress_value.count == 0)
        value_free(&value);
}
