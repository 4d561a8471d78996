/* Tests of proxy_header: the PROXY protocol's header (haproxy's proxy-protocol.txt), whole, octet
 * by octet, and where it ends with memory. */
#include <string.h>

#include "proxy_header.h"
#include "support.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define IPV4      "\xC0\0\2\1\xC6\x33\x64\2" /* 192.0.2.1 to 198.51.100.2 */
#define PORTS     "\xDC\4\1\xBB"             /* 56324 to 443 */
#define IPV6                                                                                       \
    "\x20\1\xD\xB8\0\0\0\0\0\0\0\0\0\0\0\1"                                                        \
    "\x20\1\xD\xB8\0\0\0\0\0\0\0\0\0\0\0\2"
#define UNIX_27 "abcdefghijklmnopqrstuvwxyz\0"
#define UNIX_216                                                                                   \
    UNIX_27 UNIX_27 UNIX_27 UNIX_27 UNIX_27 UNIX_27 UNIX_27 UNIX_27 /* 108 octets each */

/* ---- what is a header ---- */

static const struct good_row {
    const char *name;
    struct slice header;
    const char *source; /* NULL: the connection's own address counts */
} good_rows[] = {
    {"v1 IPv4", OCTETS("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n"), "192.0.2.1:56324"},
    {"v1, the longest IPv4", OCTETS("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"),
     "255.255.255.255:65535"},
    {"v1 with zeros", OCTETS("PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n"), "0.0.0.0:0"},
    {"v1 IPv6", OCTETS("PROXY TCP6 2001:db8::1 2001:DB8::2 56324 443\r\n"), "[2001:db8::1]:56324"},
    {"v1, the longest IPv6",
     OCTETS("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
     "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"},
    {"v1 IPv4 in IPv6", OCTETS("PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n"), "192.0.2.1:1"},
    {"v1 UNKNOWN", OCTETS("PROXY UNKNOWN\r\n"), NULL},
    {"v1 UNKNOWN with more", OCTETS("PROXY UNKNOWN any \0\xFF thing\r\n"), NULL},
    {"v1, the longest line (2.1)",
     OCTETS("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
     NULL},

    {"v2 IPv4", OCTETS(SIGNATURE "\x21\x11\0\xC" IPV4 PORTS), "192.0.2.1:56324"},
    {"v2 IPv6", OCTETS(SIGNATURE "\x21\x21\0\x24" IPV6 PORTS), "[2001:db8::1]:56324"},
    {"v2 with extensions", OCTETS(SIGNATURE "\x21\x11\0\x13" IPV4 PORTS "\4\0\4abcd"),
     "192.0.2.1:56324"},
    {"v2 with octets that are no extension", OCTETS(SIGNATURE "\x21\x11\0\xD" IPV4 PORTS "\xFF"),
     "192.0.2.1:56324"},
    {"v2 LOCAL", OCTETS(SIGNATURE "\x20\0\0\0"), NULL},
    {"v2 LOCAL with addresses, which do not count", OCTETS(SIGNATURE "\x20\x11\0\xC" IPV4 PORTS),
     NULL},
    {"v2 LOCAL, the family does not count", OCTETS(SIGNATURE "\x20\xFF\0\1a"), NULL},
    {"v2 unspecified", OCTETS(SIGNATURE "\x21\0\0\0"), NULL},
    {"v2 unspecified with octets", OCTETS(SIGNATURE "\x21\0\0\3abc"), NULL},
    {"v2 IPv4, transport unspecified", OCTETS(SIGNATURE "\x21\x10\0\xC" IPV4 PORTS), NULL},
    {"v2 stream, family unspecified", OCTETS(SIGNATURE "\x21\1\0\0"), NULL},
    {"v2 datagrams", OCTETS(SIGNATURE "\x21\x12\0\xC" IPV4 PORTS), NULL},
    {"v2 datagrams on IPv6", OCTETS(SIGNATURE "\x21\x22\0\x24" IPV6 PORTS), NULL},
    {"v2 Unix stream", OCTETS(SIGNATURE "\x21\x31\0\xD8" UNIX_216), NULL},
    {"v2 Unix datagrams", OCTETS(SIGNATURE "\x21\x32\0\xD8" UNIX_216), NULL},
};

static void check_source(const struct proxy_header *header, const char *expected)
{
    char text[ADDRESS_TEXT_BYTES];

    if (!check_number("has a source", header->has_source, expected != NULL) || expected == NULL)
        return;
    address_format(&header->source, text);
    check_text("source", text, expected);
}

static void check_good(const void *at)
{
    const struct good_row *row = at;
    struct proxy_header header;
    struct slice request = OCTETS("GET / HTTP/1.1\r\n\r\n");
    struct buffer *both = new_buffer(1024);

    for (size_t len = 0; len < row->header.len; len++) {
        struct slice part = guarded((struct slice){row->header.at, len});
        if (!check_number("progress of a part", proxy_header_parse(&header, part.at, part.len),
                          PROXY_HEADER_PARTIAL))
            return;
    }
    struct slice whole = guarded(row->header);
    check_number("progress", proxy_header_parse(&header, whole.at, whole.len),
                 PROXY_HEADER_COMPLETE);
    check_number("length", header.length, row->header.len);
    check_source(&header, row->source);

    buffer_add(both, row->header);
    buffer_add(both, request);
    whole = guarded(buffer_content(both));
    check_number("progress, with a request behind it",
                 proxy_header_parse(&header, whole.at, whole.len), PROXY_HEADER_COMPLETE);
    check_number("length, with a request behind it", header.length, row->header.len);
    check_source(&header, row->source);
}

/* ---- what is none ---- */

#define V1_TAIL " 56324 443\r\n"

static const struct bad_row {
    const char *name;
    struct slice octets;
    size_t seen_after; /* octets after which it is bad; 0: all of them */
} bad_rows[] = {
    {"a request", OCTETS("GET / HTTP/1.1\r\n\r\n"), 1},
    {"a request whose method begins alike", OCTETS("PROPFIND / HTTP/1.1\r\n\r\n"), 4},
    {"TLS", OCTETS("\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03"), 1},
    {"empty lines before a request", OCTETS("\r\n\r\nGET / HTTP/1.1\r\n\r\n"), 5},
    {"lower case", OCTETS("proxy TCP4 192.0.2.1 198.51.100.2" V1_TAIL), 1},
    {"v1, two spaces", OCTETS("PROXY  TCP4 192.0.2.1 198.51.100.2" V1_TAIL), 0},
    {"v1, a tab", OCTETS("PROXY\tTCP4 192.0.2.1 198.51.100.2" V1_TAIL), 6},
    {"v1, another protocol", OCTETS("PROXY UDP4 192.0.2.1 198.51.100.2" V1_TAIL), 0},
    {"v1, UNKNOWN as a part", OCTETS("PROXY UNKNOWNS\r\n"), 0},
    {"v1, nothing", OCTETS("PROXY \r\n"), 0},
    {"v1, no addresses", OCTETS("PROXY TCP4\r\n"), 0},
    {"v1, no ports", OCTETS("PROXY TCP4 192.0.2.1 198.51.100.2\r\n"), 0},
    {"v1, one port", OCTETS("PROXY TCP4 192.0.2.1 198.51.100.2 443\r\n"), 0},
    {"v1, three ports", OCTETS("PROXY TCP4 192.0.2.1 198.51.100.2 1 2 3\r\n"), 0},
    {"v1, a space at the end", OCTETS("PROXY TCP4 192.0.2.1 198.51.100.2 1 2 \r\n"), 0},
    {"v1, an empty address", OCTETS("PROXY TCP4  198.51.100.2" V1_TAIL), 0},
    {"v1, an empty port", OCTETS("PROXY TCP4 192.0.2.1 198.51.100.2  2\r\n"), 0},
    {"v1, IPv6 as IPv4", OCTETS("PROXY TCP4 2001:db8::1 198.51.100.2" V1_TAIL), 0},
    {"v1, IPv4 as IPv6", OCTETS("PROXY TCP6 192.0.2.1 ::1" V1_TAIL), 0},
    {"v1, the destination of another family", OCTETS("PROXY TCP6 ::1 192.0.2.1" V1_TAIL), 0},
    {"v1, a leading zero (2.1)", OCTETS("PROXY TCP4 192.0.02.1 198.51.100.2" V1_TAIL), 0},
    {"v1, a part over 255", OCTETS("PROXY TCP4 192.0.2.256 198.51.100.2" V1_TAIL), 0},
    {"v1, three parts", OCTETS("PROXY TCP4 192.0.2 198.51.100.2" V1_TAIL), 0},
    {"v1, a zone", OCTETS("PROXY TCP6 fe80::1%eth0 ::1" V1_TAIL), 0},
    {"v1, brackets", OCTETS("PROXY TCP6 [::1] ::1" V1_TAIL), 0},
    {"v1, NUL in an address", OCTETS("PROXY TCP4 192.0.2.1\0 198.51.100.2" V1_TAIL), 0},
    {"v1, a port over 65535", OCTETS("PROXY TCP4 192.0.2.1 198.51.100.2 65536 443\r\n"), 0},
    {"v1, a port with a leading zero", OCTETS("PROXY TCP4 192.0.2.1 198.51.100.2 01 443\r\n"), 0},
    {"v1, a destination port with two zeros", OCTETS("PROXY TCP4 192.0.2.1 198.51.100.2 1 00\r\n"),
     0},
    {"v1, a sign", OCTETS("PROXY TCP4 192.0.2.1 198.51.100.2 +1 443\r\n"), 0},
    {"v1, a bare LF", OCTETS("PROXY TCP4 192.0.2.1 198.51.100.2 1 2\n"), 0},
    {"v1, a bare LF of UNKNOWN", OCTETS("PROXY UNKNOWN a\nb\r\n"), 16},
    {"v1, a bare CR", OCTETS("PROXY TCP4 192.0.2.1 198.51.100.2 1 2\r\r\n"), 39},
    {"v1, a bare CR of UNKNOWN", OCTETS("PROXY UNKNOWN a\rb\r\n"), 17},
    {"v1, 108 octets (2.1)",
     OCTETS("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535 \r\n"),
     107},

    {"v2, another signature", OCTETS("\r\n\r\n\0\r\nQUIT\r\x21\x11\0\xC"), 12},
    {"v2, version 1", OCTETS(SIGNATURE "\x11\x11\0\xC" IPV4 PORTS), 13},
    {"v2, version 3", OCTETS(SIGNATURE "\x31\x11\0\xC" IPV4 PORTS), 13},
    {"v2, an unassigned command", OCTETS(SIGNATURE "\x22\x11\0\xC" IPV4 PORTS), 13},
    {"v2, another family", OCTETS(SIGNATURE "\x21\x41\0\xC" IPV4 PORTS), 14},
    {"v2, another transport", OCTETS(SIGNATURE "\x21\x13\0\xC" IPV4 PORTS), 14},
    {"v2, too short for IPv4", OCTETS(SIGNATURE "\x21\x11\0\xB" IPV4 "\xDC\4\1"), 16},
    {"v2, too short for IPv6", OCTETS(SIGNATURE "\x21\x21\0\x23" IPV6 "\xDC\4\1"), 16},
    {"v2, too short for Unix", OCTETS(SIGNATURE "\x21\x31\0\xD7" UNIX_216), 16},
    {"v2, no addresses", OCTETS(SIGNATURE "\x21\x11\0\0"), 16},
};

static void check_bad(const void *at)
{
    const struct bad_row *row = at;
    size_t seen_after = row->seen_after > 0 ? row->seen_after : row->octets.len;
    struct proxy_header header;

    for (size_t len = 0; len <= row->octets.len; len++) {
        struct slice part = guarded((struct slice){row->octets.at, len});
        enum proxy_header_progress progress = proxy_header_parse(&header, part.at, part.len);
        if (!check(progress == (len < seen_after ? PROXY_HEADER_PARTIAL : PROXY_HEADER_BAD),
                   "progress %d of %zu octets", (int)progress, len))
            return;
    }
    check(header.fault != NULL, "no fault");
}

/* ---- the longest ---- */

static void test_longest(void)
{
    struct slice beginning = OCTETS(SIGNATURE "\x21\x11\xFF\xFF" IPV4 PORTS);
    struct buffer *longest = new_buffer(PROXY_HEADER_BYTES_MAX);
    struct proxy_header header;

    buffer_add(longest, beginning);
    buffer_add_text(longest, letters(PROXY_HEADER_BYTES_MAX - beginning.len));
    struct slice whole = guarded(buffer_content(longest));
    check_number("progress", proxy_header_parse(&header, whole.at, whole.len),
                 PROXY_HEADER_COMPLETE);
    check_number("length", header.length, PROXY_HEADER_BYTES_MAX);
    check_source(&header, "192.0.2.1:56324");
    struct slice part = guarded((struct slice){longest->at, PROXY_HEADER_BYTES_MAX - 1});
    check_number("an octet less", proxy_header_parse(&header, part.at, part.len),
                 PROXY_HEADER_PARTIAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROWS(good_rows, check_good),
        ROWS(bad_rows, check_bad),
        TEST(test_longest),
    };

    return cmocka_run_group_tests_name("proxy_header", tests, NULL, NULL);
}
