/* proxy_header: the PROXY protocol's header, versions 1 and 2. */
#include "proxy_header.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "slice.h"

#define SIGNATURE        "\r\n\r\n\0\r\nQUIT\n"
#define SIGNATURE_BYTES  12u
#define FIXED_BYTES      16u /* of version 2, before the addresses */
#define V1_PREFIX        "PROXY "
#define COMMAND_LOCAL    0u
#define COMMAND_PROXY    1u
#define TRANSPORT_STREAM 1u
#define TRANSPORT_MAX    2u

static enum proxy_header_progress fail(struct proxy_header *header, const char *fault)
{
    header->fault = fault;
    return PROXY_HEADER_BAD;
}

static void set_ipv4(struct address *address, const void *octets, in_port_t net_port)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = net_port};

    memcpy(&name.sin_addr, octets, sizeof name.sin_addr);
    memcpy(&address->storage, &name, sizeof name);
    address->len = sizeof name;
}

static void set_ipv6(struct address *address, const void *octets, in_port_t net_port)
{
    struct sockaddr_in6 name = {.sin6_family = AF_INET6, .sin6_port = net_port};

    memcpy(&name.sin6_addr, octets, sizeof name.sin6_addr);
    memcpy(&address->storage, &name, sizeof name);
    address->len = sizeof name;
}

/* ---- version 1: a line of text (2.1) ---- */

/* Takes what stands before the next space, which must be there unless it is the last word. */
static bool take_word(struct slice *line, bool is_last, struct slice *word)
{
    const char *space = line->len > 0 ? memchr(line->at, ' ', line->len) : NULL;

    if (is_last != (space == NULL))
        return false;
    word->at = line->at;
    word->len = space != NULL ? (size_t)(space - line->at) : line->len;
    line->at += word->len + !is_last;
    line->len -= word->len + !is_last;
    return true;
}

static bool take_address(struct slice *line, int family, unsigned char octets[16])
{
    char text[INET6_ADDRSTRLEN];
    struct slice word;

    if (!take_word(line, false, &word) || word.len >= sizeof text)
        return false;
    memcpy(text, word.at, word.len);
    text[word.len] = '\0';
    return strlen(text) == word.len && inet_pton(family, text, octets) == 1;
}

static bool take_port(struct slice *line, bool is_last, in_port_t *net_port)
{
    struct slice word;
    unsigned long long port;

    if (!take_word(line, is_last, &word) || !slice_to_number(word, 0xFFFF, &port) ||
        (word.at[0] == '0' && word.len > 1))
        return false;
    *net_port = htons((in_port_t)port);
    return true;
}

/* "TCP4 192.0.2.1 192.0.2.2 56324 443": source and destination. */
static bool read_addresses(struct proxy_header *header, struct slice line, int family)
{
    unsigned char source[16];
    unsigned char destination[16];
    in_port_t source_port;
    in_port_t destination_port;

    if (!take_address(&line, family, source) || !take_address(&line, family, destination) ||
        !take_port(&line, false, &source_port) || !take_port(&line, true, &destination_port))
        return false;
    if (family == AF_INET)
        set_ipv4(&header->source, source, source_port);
    else
        set_ipv6(&header->source, source, source_port);
    header->has_source = true;
    return true;
}

/* What stands between "PROXY " and CRLF. */
static bool read_line(struct proxy_header *header, struct slice line)
{
    static const struct slice unknown = {"UNKNOWN", 7};
    struct slice protocol;

    if (line.len >= unknown.len && slice_equals((struct slice){line.at, unknown.len}, unknown))
        return line.len == unknown.len || line.at[unknown.len] == ' ';
    if (!take_word(&line, false, &protocol))
        return false;
    if (slice_equals(protocol, slice_of("TCP4")))
        return read_addresses(header, line, AF_INET);
    if (slice_equals(protocol, slice_of("TCP6")))
        return read_addresses(header, line, AF_INET6);
    return false;
}

static enum proxy_header_progress parse_v1(struct proxy_header *header, const char *at, size_t len)
{
    const size_t prefix = strlen(V1_PREFIX);
    size_t seen = len < PROXY_HEADER_V1_BYTES_MAX ? len : PROXY_HEADER_V1_BYTES_MAX;
    const char *cr = memchr(at, '\r', seen);
    const char *lf = memchr(at, '\n', seen);

    if (cr == NULL && lf == NULL)
        return seen < PROXY_HEADER_V1_BYTES_MAX ? PROXY_HEADER_PARTIAL
                                                : fail(header, "its line does not end");
    size_t end = (size_t)((lf != NULL ? lf : at + seen) - at);
    if (cr == NULL || (size_t)(cr - at) + 1 != end)
        return fail(header, "its line does not end in CRLF");
    if (lf == NULL)
        return seen < PROXY_HEADER_V1_BYTES_MAX ? PROXY_HEADER_PARTIAL
                                                : fail(header, "its line does not end");
    if (!read_line(header, (struct slice){at + prefix, (size_t)(cr - at) - prefix}))
        return fail(header, "its line is not PROXY TCP4, TCP6 or UNKNOWN with addresses and ports");
    header->length = end + 1;
    return PROXY_HEADER_COMPLETE;
}

/* ---- version 2: binary (2.2) ---- */

/* Octets of both addresses, ports included, by address family. */
static const size_t address_bytes[] = {0, 12, 36, 216};

static void read_source(struct proxy_header *header, const char *addresses, unsigned family)
{
    in_port_t net_port;

    if (family == 1) {
        memcpy(&net_port, addresses + 8, sizeof net_port);
        set_ipv4(&header->source, addresses, net_port);
    } else {
        memcpy(&net_port, addresses + 32, sizeof net_port);
        set_ipv6(&header->source, addresses, net_port);
    }
    header->has_source = true;
}

static enum proxy_header_progress parse_v2(struct proxy_header *header, const char *at, size_t len)
{
    const unsigned char *octets = (const unsigned char *)at;
    unsigned command = len > 12 ? octets[12] & 0x0Fu : COMMAND_LOCAL;
    unsigned family = len > 13 ? octets[13] >> 4 : 0;
    unsigned transport = len > 13 ? octets[13] & 0x0Fu : 0;

    if (len > 12 && (octets[12] >> 4 != 2 || command > COMMAND_PROXY))
        return fail(header, "its version is not 2, or its command not LOCAL or PROXY");
    if (command == COMMAND_PROXY && len > 13 && (family > 3 || transport > TRANSPORT_MAX))
        return fail(header, "its address family or transport is none that there is");
    if (len < FIXED_BYTES)
        return PROXY_HEADER_PARTIAL;
    size_t rest = (size_t)octets[14] << 8 | octets[15];
    bool has_addresses = command == COMMAND_PROXY && family != 0 && transport != 0;
    if (has_addresses && rest < address_bytes[family])
        return fail(header, "it is too short for its addresses");
    if (len < FIXED_BYTES + rest)
        return PROXY_HEADER_PARTIAL;
    if (has_addresses && family <= 2 && transport == TRANSPORT_STREAM)
        read_source(header, at + FIXED_BYTES, family);
    header->length = FIXED_BYTES + rest;
    return PROXY_HEADER_COMPLETE;
}

/* ---- either ---- */

/* Whether the octets, as far as they go, are the beginning of the text. */
static bool begins(const char *at, size_t len, const char *text, size_t text_len)
{
    return memcmp(at, text, len < text_len ? len : text_len) == 0;
}

enum proxy_header_progress proxy_header_parse(struct proxy_header *header, const char *at,
                                              size_t len)
{
    *header = (struct proxy_header){0};
    if (len == 0)
        return PROXY_HEADER_PARTIAL;
    if (begins(at, len, SIGNATURE, SIGNATURE_BYTES))
        return len <= SIGNATURE_BYTES ? PROXY_HEADER_PARTIAL : parse_v2(header, at, len);
    if (begins(at, len, V1_PREFIX, strlen(V1_PREFIX)))
        return parse_v1(header, at, len);
    return fail(header, "the connection does not begin with one");
}
