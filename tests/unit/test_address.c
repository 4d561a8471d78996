/* Tests of address: socket addresses and address ranges, as text and back. */
#include <arpa/inet.h>
#include <string.h>
#include <sys/un.h>

#include "address.h"
#include "support.h"

#define PATH_25  "/aaaaaaaaaaaaaaaaaaaaaaaa"
#define PATH_107 PATH_25 PATH_25 PATH_25 PATH_25 "/aaaaaa"

static const struct parse_row {
    const char *name, *text;
    const char *formatted, *host; /* NULL: refused */
    bool loopback;
} parse_rows[] = {
    {"IPv4", "192.0.2.1:8080", "192.0.2.1:8080", "192.0.2.1", false},
    {"IPv4 loopback", "127.0.0.1:80", "127.0.0.1:80", "127.0.0.1", true},
    {"all of 127/8 is loopback", "127.255.255.254:1", "127.255.255.254:1", "127.255.255.254", true},
    {"126 is not", "126.255.255.255:1", "126.255.255.255:1", "126.255.255.255", false},
    {"128 is not", "128.0.0.0:1", "128.0.0.0:1", "128.0.0.0", false},
    {"any IPv4", "0.0.0.0:65535", "0.0.0.0:65535", "0.0.0.0", false},
    {"port 0 is any free one", "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1", true},
    {"localhost", "localhost:8080", "127.0.0.1:8080", "127.0.0.1", true},
    {"IPv6", "[2001:db8::1]:443", "[2001:db8::1]:443", "2001:db8::1", false},
    {"IPv6 loopback", "[::1]:8080", "[::1]:8080", "::1", true},
    {"IPv6 next to loopback", "[::2]:8080", "[::2]:8080", "::2", false},
    {"any IPv6", "[::]:80", "[::]:80", "::", false},
    {"IPv6 in capitals and zeros", "[2001:0DB8:0:0:0:0:0:0001]:1", "[2001:db8::1]:1", "2001:db8::1",
     false},
    {"IPv6, all of it", "[fedc:ba98:7654:3210:fedc:ba98:7654:3210]:65535",
     "[fedc:ba98:7654:3210:fedc:ba98:7654:3210]:65535", "fedc:ba98:7654:3210:fedc:ba98:7654:3210",
     false},
    {"IPv6 in its longest form", "[fedc:ba98:7654:3210:fedc:ba98:118.84.50.16]:1",
     "[fedc:ba98:7654:3210:fedc:ba98:7654:3210]:1", "fedc:ba98:7654:3210:fedc:ba98:7654:3210",
     false},
    {"Unix socket", "unix:/run/a.sock", "unix:/run/a.sock", "unix:/run/a.sock", true},
    {"Unix socket with a colon", "unix:/a:80", "unix:/a:80", "unix:/a:80", true},
    {"Unix path of 107 bytes", "unix:" PATH_107, "unix:" PATH_107, "unix:" PATH_107, true},

    {"Unix path of 108 bytes", "unix:" PATH_107 "a", NULL, NULL, false},
    {"Unix path that is relative", "unix:a", NULL, NULL, false},
    {"Unix without a path", "unix:", NULL, NULL, false},
    {"empty", "", NULL, NULL, false},
    {"port alone", "8080", NULL, NULL, false},
    {"port behind a colon", ":8080", NULL, NULL, false},
    {"no port", "127.0.0.1", NULL, NULL, false},
    {"empty port", "127.0.0.1:", NULL, NULL, false},
    {"port over 65535", "127.0.0.1:65536", NULL, NULL, false},
    {"port by name", "127.0.0.1:http", NULL, NULL, false},
    {"port with a sign", "127.0.0.1:+80", NULL, NULL, false},
    {"space before the port", "127.0.0.1: 80", NULL, NULL, false},
    {"space behind", "127.0.0.1:80 ", NULL, NULL, false},
    {"a name", "staging.example:80", NULL, NULL, false},
    {"a star", "*:80", NULL, NULL, false},
    {"localhost in capitals is a name", "Localhost:80", NULL, NULL, false},
    {"IPv4 of three numbers", "127.0.1:80", NULL, NULL, false},
    {"IPv4 over 255", "127.0.0.256:80", NULL, NULL, false},
    {"IPv4 in brackets", "[127.0.0.1]:80", NULL, NULL, false},
    {"IPv6 without brackets", "::1:80", NULL, NULL, false},
    {"IPv6 without a port", "[::1]", NULL, NULL, false},
    {"IPv6 that is not closed", "[::1:80", NULL, NULL, false},
    {"IPv6 that is not opened", "::1]:80", NULL, NULL, false},
    {"IPv6 with a zone", "[fe80::1%lo]:80", NULL, NULL, false},
    {"IPv4 in IPv6 form", "[::ffff:192.0.2.1]:80", NULL, NULL, false},
    {"IPv4 in IPv6 form, by groups", "[::ffff:c000:201]:80", NULL, NULL, false},
    {"empty brackets", "[]:80", NULL, NULL, false},
    {"host far too long", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:80",
     NULL, NULL, false},
};

/* What bind(2) needs. */
static void check_socket_address(const struct address *address, const char *text)
{
    bool is_unix = strncmp(text, "unix:", 5) == 0;
    size_t path = offsetof(struct sockaddr_un, sun_path);

    check_number("family", address->storage.ss_family,
                 is_unix          ? AF_UNIX
                 : text[0] == '[' ? AF_INET6
                                  : AF_INET);
    check_number("length", address->len,
                 is_unix          ? path + strlen(text) - 5 + 1
                 : text[0] == '[' ? sizeof(struct sockaddr_in6)
                                  : sizeof(struct sockaddr_in));
}

static void check_parse(const void *at)
{
    const struct parse_row *row = at;
    char text[ADDRESS_TEXT_BYTES];
    struct address address;
    struct address again;

    bool valid = address_parse(row->text, &address);
    if (!check_number("valid", valid, row->formatted != NULL) || !valid)
        return;
    check_socket_address(&address, row->text);
    address_format(&address, text);
    check_text("formatted", text, row->formatted);
    check(address_parse(text, &again), "it does not read back");
    address_format_host(&address, text);
    check_text("host", text, row->host);
    check_number("loopback", address_is_loopback(&address), row->loopback);
    check_number("Unix", address_is_unix(&address), strncmp(row->text, "unix:", 5) == 0);
}

static void test_unnamed_unix_socket(void)
{
    struct address address = {.len = sizeof(sa_family_t)};
    char text[ADDRESS_TEXT_BYTES];

    address.storage.ss_family = AF_UNIX;
    memset((char *)&address.storage + sizeof(sa_family_t), 'x', 50); /* not part of it */
    address_format(&address, text);
    check_text("formatted", text, "unix:");
    address_format_host(&address, text);
    check_text("host", text, "unix:");
    check(address_is_loopback(&address), "a Unix socket is on this machine");
}

static void test_unix_path_without_nul(void)
{
    struct address address = {.len = sizeof(struct sockaddr_un)};
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    char text[ADDRESS_TEXT_BYTES];

    memset(name.sun_path, 'x', sizeof name.sun_path);
    memcpy(&address.storage, &name, sizeof name);
    address_format(&address, text);
    check_number("length", strlen(text), strlen("unix:") + sizeof name.sun_path - 1);
}

static const struct equality_row {
    const char *name, *a, *b;
    bool equals;
} equality_rows[] = {
    {"the same IPv4", "127.0.0.1:80", "127.0.0.1:80", true},
    {"localhost is 127.0.0.1", "localhost:80", "127.0.0.1:80", true},
    {"other port", "127.0.0.1:80", "127.0.0.1:81", false},
    {"other host", "127.0.0.1:80", "127.0.0.2:80", false},
    {"the same IPv6", "[::1]:80", "[0:0:0:0:0:0:0:1]:80", true},
    {"IPv4 and IPv6", "0.0.0.0:80", "[::]:80", false},
    {"the same path", "unix:/a", "unix:/a", true},
    {"longer path", "unix:/a", "unix:/ab", false},
    {"other path", "unix:/a", "unix:/b", false},
};

static void check_equality(const void *at)
{
    const struct equality_row *row = at;
    struct address a;
    struct address b;

    assert_true(address_parse(row->a, &a) && address_parse(row->b, &b));
    check_number("equals", address_equals(&a, &b), row->equals);
    check_number("equals the other way", address_equals(&b, &a), row->equals);
}

static const struct range_row {
    const char *name, *text;
    const char *formatted; /* NULL: refused */
} range_rows[] = {
    {"IPv4 network", "10.0.0.0/8", "10.0.0.0/8"},
    {"IPv4 address", "192.0.2.7", "192.0.2.7/32"},
    {"IPv4 address with its length", "192.0.2.7/32", "192.0.2.7/32"},
    {"all IPv4", "0.0.0.0/0", "0.0.0.0/0"},
    {"IPv4 on no octet's border", "172.16.0.0/12", "172.16.0.0/12"},
    {"one bit", "128.0.0.0/1", "128.0.0.0/1"},
    {"31 bits", "192.0.2.6/31", "192.0.2.6/31"},
    {"IPv6 network", "fd00::/8", "fd00::/8"},
    {"IPv6 address", "2001:db8::1", "2001:db8::1/128"},
    {"all", "::/0", "::/0"},
    {"IPv6 on no octet's border", "fe80::/10", "fe80::/10"},
    {"as wide as all IPv4 would be", "::/80", "::/80"},

    {"IPv4 host bits (RFC 4632 3.1)", "10.0.0.1/8", NULL},
    {"IPv4 host bit at the border", "10.128.0.0/8", NULL},
    {"IPv4 address and 31", "192.0.2.7/31", NULL},
    {"IPv6 host bits (RFC 4291 2.3)", "fd00::1/8", NULL},
    {"IPv6 host bit in front", "8000::/0", NULL},
    {"IPv6 host bit at the border", "fe40::/9", NULL},
    {"IPv4 in IPv6 form", "::ffff:10.0.0.0/104", NULL},
    {"all IPv4 in IPv6 form", "::ffff:0:0/96", NULL},
    {"IPv4 over 32", "10.0.0.0/33", NULL},
    {"IPv6 over 128", "fd00::/129", NULL},
    {"no length", "10.0.0.0/", NULL},
    {"length with a sign", "10.0.0.0/+8", NULL},
    {"two lengths", "10.0.0.0/8/8", NULL},
    {"netmask", "10.0.0.0/255.0.0.0", NULL},
    {"only a length", "/8", NULL},
    {"empty", "", NULL},
    {"name", "localhost", NULL},
    {"brackets", "[::1]", NULL},
    {"port", "10.0.0.1:80", NULL},
    {"space", " 10.0.0.1", NULL},
    {"zone", "fe80::1%lo", NULL},
    {"far too long", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/8", NULL},
};

static void check_range(const void *at)
{
    const struct range_row *row = at;
    char text[ADDRESS_TEXT_BYTES];
    struct address_range range;

    bool valid = address_range_parse(row->text, &range);
    if (!check_number("valid", valid, row->formatted != NULL) || !valid)
        return;
    address_range_format(&range, text);
    check_text("formatted", text, row->formatted);
}

static const struct containing_row {
    const char *name, *range, *address;
    bool contains;
} containing_rows[] = {
    {"first of a network", "10.0.0.0/8", "10.0.0.0:1", true},
    {"last of a network", "10.0.0.0/8", "10.255.255.255:1", true},
    {"behind a network", "10.0.0.0/8", "11.0.0.0:1", false},
    {"before a network", "10.0.0.0/8", "9.255.255.255:1", false},
    {"last of a /12", "172.16.0.0/12", "172.31.255.255:1", true},
    {"behind a /12", "172.16.0.0/12", "172.32.0.0:1", false},
    {"the address itself", "192.0.2.7", "192.0.2.7:1", true},
    {"the next address", "192.0.2.7", "192.0.2.8:1", false},
    {"any IPv4", "0.0.0.0/0", "255.255.255.255:1", true},
    {"all IPv4 and an IPv6 address", "0.0.0.0/0", "[2001:db8::1]:1", false},
    {"all IPv6 and an IPv4 address", "::/0", "192.0.2.7:1", false},
    {"all IPv6", "::/0", "[2001:db8::1]:1", true},
    {"wide IPv6 network and IPv4", "::/80", "192.0.2.7:1", false},
    {"compatible is not mapped (RFC 4291 2.5.5)", "10.0.0.0/8", "[::10.1.2.3]:1", false},
    {"IPv6 network", "fd00::/8", "[fdff::1]:1", true},
    {"outside an IPv6 network", "fd00::/8", "[fc00::1]:1", false},
    {"last of a /10", "fe80::/10", "[febf::1]:1", true},
    {"behind a /10", "fe80::/10", "[fec0::1]:1", false},
    {"IPv6 network and IPv4", "fd00::/8", "10.0.0.1:1", false},
    {"never a Unix socket", "::/0", "unix:/a", false},
};

static void check_containing(const void *at)
{
    const struct containing_row *row = at;
    struct address_range range;
    struct address address;

    assert_true(address_range_parse(row->range, &range) && address_parse(row->address, &address));
    check_number("contains", address_range_contains(&range, &address), row->contains);
}

/* What accept(2) gives for an IPv4 client of an IPv6 socket (RFC 4291 2.5.5.2). */
static struct address mapped(const char *text)
{
    struct sockaddr_in6 name = {.sin6_family = AF_INET6, .sin6_port = htons(80)};
    struct address address = {.len = sizeof name};

    assert_int_equal(inet_pton(AF_INET6, text, &name.sin6_addr), 1);
    memcpy(&address.storage, &name, sizeof name);
    return address;
}

static const struct mapped_row {
    const char *name, *address;
    const char *formatted;
    bool loopback, in_10;
} mapped_rows[] = {
    {"mapped", "::ffff:192.0.2.1", "192.0.2.1", false, false},
    {"mapped loopback", "::ffff:127.1.2.3", "127.1.2.3", true, false},
    {"mapped of a network", "::ffff:10.1.2.3", "10.1.2.3", false, true},
    {"not quite mapped", "::fffe:10.1.2.3", "::fffe:a01:203", false, false},
};

/* It is an IPv4 client: to the log, to the rules for loopback, and to an allow list. */
static void check_mapped(const void *at)
{
    const struct mapped_row *row = at;
    struct address address = mapped(row->address);
    struct address_range in_10;
    struct address_range all_ipv6;
    char text[ADDRESS_TEXT_BYTES];

    assert_true(address_range_parse("10.0.0.0/8", &in_10) &&
                address_range_parse("::/0", &all_ipv6));
    address_format_host(&address, text);
    check_text("host", text, row->formatted);
    check_number("loopback", address_is_loopback(&address), row->loopback);
    check_number("in 10.0.0.0/8", address_range_contains(&in_10, &address), row->in_10);
    bool is_ipv6 = strchr(row->formatted, ':') != NULL;
    check_number("in ::/0", address_range_contains(&all_ipv6, &address), is_ipv6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROWS(parse_rows, check_parse),    TEST(test_unnamed_unix_socket),
        TEST(test_unix_path_without_nul), ROWS(equality_rows, check_equality),
        ROWS(range_rows, check_range),    ROWS(containing_rows, check_containing),
        ROWS(mapped_rows, check_mapped),
    };

    return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
