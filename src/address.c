/* address: socket addresses and address ranges, as text and back. */
#include "address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "slice.h"

#define UNIX_PREFIX "unix:"
#define MAPPED_BITS 96u /* of an IPv4 address in IPv6 form, before the address itself */

static const unsigned char mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

static bool parse_unix(const char *path, struct address *address)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    size_t len = strlen(path);

    if (path[0] != '/' || len >= sizeof name.sun_path)
        return false;
    memcpy(name.sun_path, path, len + 1);
    memcpy(&address->storage, &name, sizeof name);
    address->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
    return true;
}

static bool parse_ipv4(const char *host, in_port_t port, struct address *address)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = port};

    if (inet_pton(AF_INET, host, &name.sin_addr) != 1)
        return false;
    memcpy(&address->storage, &name, sizeof name);
    address->len = sizeof name;
    return true;
}

static bool parse_ipv6(const char *host, in_port_t port, struct address *address)
{
    struct sockaddr_in6 name = {.sin6_family = AF_INET6, .sin6_port = port};

    if (inet_pton(AF_INET6, host, &name.sin6_addr) != 1 || IN6_IS_ADDR_V4MAPPED(&name.sin6_addr))
        return false;
    memcpy(&address->storage, &name, sizeof name);
    address->len = sizeof name;
    return true;
}

bool address_parse(const char *text, struct address *address)
{
    char host[INET6_ADDRSTRLEN + 2];
    unsigned long long port;

    *address = (struct address){0};
    if (strncmp(text, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0)
        return parse_unix(text + strlen(UNIX_PREFIX), address);

    const char *colon = strrchr(text, ':');
    if (colon == NULL || (size_t)(colon - text) >= sizeof host ||
        !slice_to_number(slice_of(colon + 1), 65535, &port))
        return false;
    size_t len = (size_t)(colon - text);
    memcpy(host, text, len);
    host[len] = '\0';

    in_port_t net_port = htons((in_port_t)port);
    if (strcmp(host, "localhost") == 0)
        return parse_ipv4("127.0.0.1", net_port, address);
    if (len > 2 && host[0] == '[' && host[len - 1] == ']') {
        host[len - 1] = '\0';
        return parse_ipv6(host + 1, net_port, address);
    }
    return parse_ipv4(host, net_port, address);
}

bool address_to_ipv6(const struct address *address, unsigned char bytes[16])
{
    if (address->storage.ss_family == AF_INET) {
        struct sockaddr_in name;
        memcpy(&name, &address->storage, sizeof name);
        memcpy(bytes, mapped_prefix, sizeof mapped_prefix);
        memcpy(bytes + sizeof mapped_prefix, &name.sin_addr, 4);
        return true;
    }
    if (address->storage.ss_family == AF_INET6) {
        struct sockaddr_in6 name;
        memcpy(&name, &address->storage, sizeof name);
        memcpy(bytes, &name.sin6_addr, 16);
        return true;
    }
    return false;
}

unsigned address_port(const struct address *address)
{
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;

    if (address->storage.ss_family == AF_INET) {
        memcpy(&ipv4, &address->storage, sizeof ipv4);
        return ntohs(ipv4.sin_port);
    }
    if (address->storage.ss_family != AF_INET6)
        return 0;
    memcpy(&ipv6, &address->storage, sizeof ipv6);
    return ntohs(ipv6.sin6_port);
}

static void format_unix(const struct address *address, char text[ADDRESS_TEXT_BYTES])
{
    struct sockaddr_un name = {0};
    size_t len = address->len < sizeof name ? address->len : sizeof name;

    memcpy(&name, &address->storage, len);
    snprintf(text, ADDRESS_TEXT_BYTES, UNIX_PREFIX "%.*s", (int)sizeof name.sun_path - 1,
             name.sun_path);
}

void address_format_host(const struct address *address, char text[ADDRESS_TEXT_BYTES])
{
    unsigned char bytes[16];

    if (!address_to_ipv6(address, bytes)) {
        format_unix(address, text);
        return;
    }
    bool is_ipv4 = memcmp(bytes, mapped_prefix, sizeof mapped_prefix) == 0;
    inet_ntop(is_ipv4 ? AF_INET : AF_INET6, is_ipv4 ? bytes + sizeof mapped_prefix : bytes, text,
              ADDRESS_TEXT_BYTES);
}

void address_format(const struct address *address, char text[ADDRESS_TEXT_BYTES])
{
    char host[ADDRESS_TEXT_BYTES];

    if (address_is_unix(address)) {
        format_unix(address, text);
        return;
    }
    address_format_host(address, host);
    snprintf(text, ADDRESS_TEXT_BYTES, strchr(host, ':') != NULL ? "[%.60s]:%u" : "%.60s:%u", host,
             address_port(address));
}

bool address_is_ipv4(const struct address *address)
{
    unsigned char bytes[16];

    return address_to_ipv6(address, bytes) &&
           memcmp(bytes, mapped_prefix, sizeof mapped_prefix) == 0;
}

bool address_is_unix(const struct address *address)
{
    return address->storage.ss_family == AF_UNIX;
}

bool address_is_loopback(const struct address *address)
{
    static const unsigned char ipv6_loopback[16] = {[15] = 1};
    unsigned char bytes[16];

    if (!address_to_ipv6(address, bytes))
        return true;
    if (memcmp(bytes, mapped_prefix, sizeof mapped_prefix) == 0)
        return bytes[12] == 127;
    return memcmp(bytes, ipv6_loopback, sizeof bytes) == 0;
}

bool address_equals(const struct address *a, const struct address *b)
{
    return a->len == b->len && memcmp(&a->storage, &b->storage, a->len) == 0;
}

/* The octets of i's bits that belong to a prefix of that many bits. */
static unsigned char mask_of(unsigned bits, unsigned i)
{
    if (bits >= (i + 1) * 8)
        return 0xFF;
    if (bits <= i * 8)
        return 0;
    return (unsigned char)(0xFF00u >> (bits - i * 8));
}

bool address_range_parse(const char *text, struct address_range *range)
{
    char host[INET6_ADDRSTRLEN];
    const char *slash = strchr(text, '/');
    size_t len = slash != NULL ? (size_t)(slash - text) : strlen(text);
    struct address address;
    unsigned long long bits;

    if (len >= sizeof host)
        return false;
    memcpy(host, text, len);
    host[len] = '\0';
    bool is_ipv4 = parse_ipv4(host, 0, &address);
    if (!is_ipv4 && !parse_ipv6(host, 0, &address))
        return false;
    unsigned width = is_ipv4 ? 32 : 128;
    bits = width;
    if (slash != NULL && !slice_to_number(slice_of(slash + 1), width, &bits))
        return false;

    address_to_ipv6(&address, range->prefix);
    range->bits = 128 - width + (unsigned)bits;
    for (unsigned i = 0; i < 16; i++)
        if ((range->prefix[i] & ~mask_of(range->bits, i)) != 0)
            return false;
    return true;
}

void address_range_format(const struct address_range *range, char text[ADDRESS_TEXT_BYTES])
{
    char host[INET6_ADDRSTRLEN];
    bool is_ipv4 = range->bits >= MAPPED_BITS &&
                   memcmp(range->prefix, mapped_prefix, sizeof mapped_prefix) == 0;

    inet_ntop(is_ipv4 ? AF_INET : AF_INET6,
              is_ipv4 ? range->prefix + sizeof mapped_prefix : range->prefix, host, sizeof host);
    snprintf(text, ADDRESS_TEXT_BYTES, "%s/%u", host,
             is_ipv4 ? range->bits - MAPPED_BITS : range->bits);
}

bool address_range_contains(const struct address_range *range, const struct address *address)
{
    unsigned char bytes[16];

    if (!address_to_ipv6(address, bytes))
        return false;
    if (range->bits < MAPPED_BITS && memcmp(bytes, mapped_prefix, sizeof mapped_prefix) == 0)
        return false; /* ::/0 means all of IPv6, and nothing of IPv4 */
    for (unsigned i = 0; i < 16; i++)
        if ((bytes[i] & mask_of(range->bits, i)) != range->prefix[i])
            return false;
    return true;
}
