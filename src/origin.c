/* origin: scheme, host and port of a URI. */
#include "origin.h"

#include <string.h>

#include "http_request.h"

#define HTTP_PORT  80u
#define HTTPS_PORT 443u
#define PORT_MAX   65535u

/* Takes a text from the front of a URI, letters in any case. */
static bool take(struct slice *uri, const char *text)
{
    size_t len = strlen(text);

    if (!slice_begins_nocase(*uri, text))
        return false;
    *uri = (struct slice){uri->at + len, uri->len - len};
    return true;
}

/* Divides an authority at its port; a colon within brackets belongs to the host. */
static void split_port(struct slice authority, struct slice *host, struct slice *port)
{
    size_t len = authority.len;

    while (len > 0 && authority.at[len - 1] >= '0' && authority.at[len - 1] <= '9')
        len--;
    bool has_port = len > 0 && authority.at[len - 1] == ':';
    *host = (struct slice){authority.at, has_port ? len - 1 : authority.len};
    *port = (struct slice){authority.at + len, has_port ? authority.len - len : 0};
}

/* false for a port that is none. */
static bool port_of(struct origin origin, struct slice *host, unsigned long long *number)
{
    struct slice port;

    split_port(origin.authority, host, &port);
    *number = origin.is_https ? HTTPS_PORT : HTTP_PORT;
    return port.len == 0 || slice_to_number(port, PORT_MAX, number);
}

bool origin_ends_segment(char c)
{
    return c == '/' || c == '?' || c == '#';
}

bool origin_split(struct slice uri, struct origin_front *front)
{
    bool is_http = take(&uri, "http://");
    bool is_https = !is_http && take(&uri, "https://");
    size_t len = 0;

    if (!is_http && !is_https && !take(&uri, "//"))
        return false;
    while (len < uri.len && !origin_ends_segment(uri.at[len]))
        len++;
    *front = (struct origin_front){
        .has_scheme = is_http || is_https,
        .origin = {.is_https = is_https, .authority = {uri.at, len}},
        .rest = {uri.at + len, uri.len - len},
    };
    return len > 0 && http_is_authority(front->origin.authority);
}

bool origin_equals(struct origin a, struct origin b)
{
    struct slice host_a;
    struct slice host_b;
    unsigned long long port_a;
    unsigned long long port_b;

    return a.is_https == b.is_https && port_of(a, &host_a, &port_a) &&
           port_of(b, &host_b, &port_b) && port_a == port_b && host_a.len > 0 &&
           slice_equals_nocase(host_a, host_b);
}

void origin_add(struct origin origin, struct buffer *out)
{
    buffer_add_text(out, origin.is_https ? "https://" : "http://");
    buffer_add(out, origin.authority);
}

struct slice origin_short_authority(struct origin origin)
{
    unsigned long long number;
    struct slice host;

    if (port_of(origin, &host, &number) && number == (origin.is_https ? HTTPS_PORT : HTTP_PORT))
        return host;
    return origin.authority;
}
