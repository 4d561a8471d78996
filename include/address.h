/* address: socket addresses and address ranges, as text and back (RFC 4291, RFC 4632). */
#ifndef AUTHBRIDGE_ADDRESS_H
#define AUTHBRIDGE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#define ADDRESS_TEXT_BYTES 120u /* "unix:" and a path, or "[IPv6]:port", with the final NUL */

struct address {
    struct sockaddr_storage storage;
    socklen_t len;
};

/* Reads 127.0.0.1:8080, [::1]:8080, localhost:8080 or unix:/path. false when it is none of
 * them, or an IPv4 address in IPv6 form; port 0 stands for any free one. */
bool address_parse(const char *text, struct address *address);

/* Writes "127.0.0.1:8080", "[::1]:8080" or "unix:/path"; an unnamed Unix socket is "unix:". */
void address_format(const struct address *address, char text[ADDRESS_TEXT_BYTES]);

/* The same without the port: "127.0.0.1", "::1" (an IPv4-mapped address as IPv4), "unix:". */
void address_format_host(const struct address *address, char text[ADDRESS_TEXT_BYTES]);

/* 0 for a Unix socket. */
unsigned address_port(const struct address *address);

/* The address in IPv6 form, IPv4 mapped (RFC 4291 2.5.5.2). false for a Unix socket. */
bool address_to_ipv6(const struct address *address, unsigned char bytes[16]);

/* Whether it is an IPv4 address, or one in that form. */
bool address_is_ipv4(const struct address *address);

bool address_is_unix(const struct address *address);
bool address_is_loopback(const struct address *address);
bool address_equals(const struct address *a, const struct address *b);

struct address_range {
    unsigned char prefix[16]; /* IPv4 in its mapped form, ::ffff:a.b.c.d */
    unsigned bits;            /* 0 to 128, of that form */
};

/* Reads an address, or one with a prefix length: 10.0.0.0/8, fd00::/8. Host bits must be zero. */
bool address_range_parse(const char *text, struct address_range *range);

/* Writes "10.0.0.0/8" or "fd00::/8". */
void address_range_format(const struct address_range *range, char text[ADDRESS_TEXT_BYTES]);

/* Whether an IPv4 or IPv6 address lies in the range; never for a Unix socket. */
bool address_range_contains(const struct address_range *range, const struct address *address);

#endif
