/* browser: what the fields of a request say about the browser that sent it. */
#include "browser.h"

#include <string.h>

#include "authority.h"
#include "http_request.h"

/* By its first letter: each field of each request comes here. */
static bool may_be_noted(struct slice name)
{
    return name.len > 0 && strchr("OSAosa", name.at[0]) != NULL;
}

void browser_note(struct browser *browser, const struct http_field *field)
{
    if (!may_be_noted(field->name))
        return;
    if (http_field_is(field, "Origin")) {
        browser->origins++;
        browser->origin = field->value;
        browser->marked = true;
    } else if (slice_begins_nocase(field->name, "Sec-Fetch-")) {
        browser->marked = true;
        if (!http_field_is(field, "Sec-Fetch-Site"))
            return;
        browser->sites++;
        browser->site = field->value;
    } else if (http_field_is(field, "Accept-Language")) {
        browser->marked = true;
    }
}

/* RFC 3986 3.1; browsers have schemes such as moz-extension. */
static bool is_scheme(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool is_other = (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
        if (!is_letter && (i == 0 || !is_other))
            return false;
    }
    return text.len > 0;
}

bool browser_read_origin(struct slice text, struct slice *authority)
{
    const char *colon = text.len > 0 ? memchr(text.at, ':', text.len) : NULL;

    if (colon == NULL || !is_scheme((struct slice){text.at, (size_t)(colon - text.at)}))
        return false;
    struct slice rest = {colon, (size_t)(text.at + text.len - colon)};
    if (!slice_begins_nocase(rest, "://"))
        return false;
    *authority = (struct slice){rest.at + 3, rest.len - 3};
    return http_is_authority(*authority);
}

/* By Sec-Fetch-Site, where there is one. */
static enum browser_verdict judge_site(struct slice site)
{
    static const char *const own[] = {"same-origin", "same-site", "none"};

    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (slice_equals(site, slice_of(own[i])))
            return BROWSER_OWN_SITE;
    return slice_equals(site, slice_of("cross-site")) ? BROWSER_CROSS_SITE : BROWSER_NONSENSE;
}

enum browser_verdict browser_judge(const struct browser *browser, struct slice authority)
{
    struct slice origin = {NULL, 0};

    if (browser->origins > 1 || browser->sites > 1)
        return BROWSER_NONSENSE;
    bool is_null = slice_equals(browser->origin, slice_of("null"));
    if (browser->origins > 0 && !is_null && !browser_read_origin(browser->origin, &origin))
        return BROWSER_NONSENSE;
    if (browser->sites > 0)
        return judge_site(browser->site);
    if (browser->origins == 0)
        return BROWSER_OWN_SITE;
    if (is_null || authority.len == 0 || !authority_same_host(origin, authority))
        return BROWSER_CROSS_SITE;
    return BROWSER_OWN_SITE;
}
