/* authority: host[:port] as requests and settings write it. */
#include "authority.h"

#include <stdio.h>
#include <string.h>

#include "http_request.h"

static struct slice drop_dot(struct slice host)
{
    if (host.len > 1 && host.at[host.len - 1] == '.')
        host.len--;
    return host;
}

static struct slice behind(struct slice text, const char *at)
{
    return (struct slice){at, (size_t)(text.at + text.len - at)};
}

struct authority authority_split(struct slice text)
{
    struct authority parts = {.host = text, .port = {text.at + text.len, 0}};
    const char *close = text.len > 0 && text.at[0] == '[' ? memchr(text.at, ']', text.len) : NULL;
    struct slice rest = close != NULL ? behind(text, close + 1) : text;
    const char *colon = rest.len > 0 ? memchr(rest.at, ':', rest.len) : NULL;

    if (colon != NULL)
        parts.port = behind(text, colon + 1);
    if (close != NULL)
        parts.host = (struct slice){text.at + 1, (size_t)(close - text.at) - 1};
    else if (colon != NULL)
        parts.host.len = (size_t)(colon - text.at);
    parts.host = drop_dot(parts.host);
    return parts;
}

bool authority_is_address(struct slice text, struct address *address)
{
    struct slice host = authority_split(text).host;
    char copy[ADDRESS_TEXT_BYTES];
    bool is_ipv6 = text.len > 0 && text.at[0] == '[';
    bool is_dotted = host.len > 0 && host.at[0] >= '0' && host.at[0] <= '9';

    return (is_ipv6 || is_dotted) &&
           (size_t)snprintf(copy, sizeof copy, is_ipv6 ? "[%.*s]:0" : "%.*s:0", (int)host.len,
                            host.at) < sizeof copy &&
           address_parse(copy, address);
}

bool authority_same_host(struct slice a, struct slice b)
{
    struct address address_a;
    struct address address_b;

    if (slice_equals_nocase(authority_split(a).host, authority_split(b).host))
        return true;
    return authority_is_address(a, &address_a) && authority_is_address(b, &address_b) &&
           address_equals(&address_a, &address_b);
}

/* Whether the host is a name below the suffix, which begins with a dot. */
static bool is_below(struct slice host, struct slice suffix)
{
    if (host.len <= suffix.len)
        return false;
    return slice_equals_nocase(behind(host, host.at + host.len - suffix.len), suffix);
}

bool authority_is_localhost(struct slice text)
{
    struct slice host = authority_split(text).host;

    return slice_equals_nocase(host, slice_of("localhost")) ||
           is_below(host, slice_of(".localhost"));
}

static bool is_wild(struct slice pattern)
{
    return pattern.len > 2 && pattern.at[0] == '*' && pattern.at[1] == '.';
}

bool authority_is_pattern(struct slice text)
{
    if (slice_equals(text, slice_of("*")))
        return true;
    if (is_wild(text))
        text = (struct slice){text.at + 2, text.len - 2};
    return http_is_authority(text) && memchr(text.at, '*', text.len) == NULL;
}

static bool matches_port(struct slice port, struct slice wanted)
{
    unsigned long long a;
    unsigned long long b;

    if (!slice_to_number(wanted, 65535, &b))
        return true;
    return slice_to_number(port, 65535, &a) ? a == b : b == 80 || b == 443;
}

bool authority_matches(struct slice text, struct slice pattern)
{
    struct authority wanted = authority_split(pattern);
    struct authority parts = authority_split(text);

    if (slice_equals(pattern, slice_of("*")))
        return true;
    if (!matches_port(parts.port, wanted.port))
        return false;
    if (is_wild(pattern))
        return is_below(parts.host, behind(wanted.host, wanted.host.at + 1));
    return authority_same_host(text, pattern);
}
