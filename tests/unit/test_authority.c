/* Tests of authority: host[:port] taken apart, compared, matched. */
#include "authority.h"
#include "support.h"

static const struct split_row {
    const char *name, *text, *host, *port;
} split_rows[] = {
    {"name", "a.example", "a.example", ""},
    {"name and port", "a.example:8080", "a.example", "8080"},
    {"empty port", "a.example:", "a.example", ""},
    {"dot at the end", "a.example.:80", "a.example", "80"},
    {"one dot alone", ".", ".", ""},
    {"IPv4", "192.0.2.1:80", "192.0.2.1", "80"},
    {"IPv6", "[2001:db8::1]", "2001:db8::1", ""},
    {"IPv6 and port", "[::1]:8080", "::1", "8080"},
};

static void check_split(const void *row_at)
{
    const struct split_row *row = row_at;
    struct authority parts = authority_split(guarded(slice_of(row->text)));

    check_octets("host", parts.host, slice_of(row->host));
    check_octets("port", parts.port, slice_of(row->port));
}

static const struct match_row {
    const char *name, *pattern, *text;
    bool matches;
} match_rows[] = {
    {"the same", "a.example", "a.example", true},
    {"any port", "a.example", "a.example:8080", true},
    {"capitals", "A.example", "a.EXAMPLE", true},
    {"dot at the end", "a.example", "a.example.", true},
    {"dot at the pattern's end", "a.example.", "a.example", true},
    {"another name", "a.example", "b.example", false},
    {"a name below", "a.example", "b.a.example", false},
    {"the name as an end", "a.example", "ba.example", false},
    {"the port", "a.example:8080", "a.example:8080", true},
    {"the port with zeros", "a.example:8080", "a.example:08080", true},
    {"another port", "a.example:8080", "a.example:8081", false},
    {"no port", "a.example:8080", "a.example", false},
    {"no port for that of http", "a.example:80", "a.example", true},
    {"no port for that of https", "a.example:443", "a.example:", true},
    {"all", "*", "a.example:1", true},
    {"below", "*.example", "a.example", true},
    {"far below", "*.example", "a.b.c.example:9", true},
    {"below with capitals", "*.example", "A.EXAMPLE.", true},
    {"not below itself", "*.example", "example", false},
    {"not an end without a dot", "*.b.example", "ab.example", false},
    {"only a dot before", "*.example", ".example", false},
    {"below with a port", "*.example:81", "a.example:81", true},
    {"below with another port", "*.example:81", "a.example:82", false},
    {"IPv4", "192.0.2.1", "192.0.2.1:80", true},
    {"another IPv4", "192.0.2.1", "192.0.2.10", false},
    {"IPv6", "[::1]:80", "[0:0::0001]:80", true},
    {"another IPv6", "[::1]", "[::2]", false},
    {"an address is no name below", "*.2.1", "192.0.2.1", true},
};

static void check_match(const void *row_at)
{
    const struct match_row *row = row_at;

    check(authority_is_pattern(slice_of(row->pattern)), "no pattern");
    check(authority_matches(guarded(slice_of(row->text)), slice_of(row->pattern)) == row->matches,
          "matches");
}

static const struct pattern_row {
    const char *name, *text;
} pattern_rows[] = {
    {"empty", ""},           {"star within", "a*.example"},   {"two stars", "*.*.example"},
    {"star below", "a.*"},   {"star and no dot", "*example"}, {"scheme", "http://a.example"},
    {"path", "a.example/b"}, {"port by name", "a:http"},      {"space", "a b"},
    {"only a dot", "*."},    {"star with a port", "*:80"},
};

static void check_pattern(const void *row_at)
{
    const struct pattern_row *row = row_at;

    check(!authority_is_pattern(slice_of(row->text)), "a pattern");
}

static const struct kind_row {
    const char *name, *text;
    bool is_address, is_localhost;
} kind_rows[] = {
    {"IPv4", "192.0.2.1", true, false},
    {"IPv4 with a port", "127.0.0.1:80", true, false},
    {"IPv4 with a dot at its end", "127.0.0.1.", true, false},
    {"IPv6", "[::1]:80", true, false},
    {"IPv4 in IPv6 form, which no browser sends", "[::ffff:127.0.0.1]", false, false},
    {"IPv4 with few parts", "127.1", false, false},
    {"IPv4 in hexadecimal", "0x7f000001", false, false},
    {"IPv4 with leading zeros", "0127.0.0.1", false, false},
    {"a name of digits", "1.2.3.4.5", false, false},
    {"a name that begins as an address", "127.0.0.1.evil.example", false, false},
    {"localhost", "localhost", false, true},
    {"localhost with a port", "LocalHost:8080", false, true},
    {"localhost with a dot", "localhost.", false, true},
    {"below localhost", "a.b.localhost:1", false, true},
    {"ends in localhost", "notlocalhost", false, false},
    {"begins with localhost", "localhost.evil.example", false, false},
    {"longer than any address",
     "1.1111111111111111111111111111111111111111111111111111111111111111"
     "11111111111111111111111111111111111111111111111111111111111111",
     false, false},
};

static void check_kind(const void *row_at)
{
    const struct kind_row *row = row_at;
    struct slice text = guarded(slice_of(row->text));
    struct address address;

    check(authority_is_address(text, &address) == row->is_address, "address");
    check(authority_is_localhost(text) == row->is_localhost, "localhost");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROWS(split_rows, check_split),
        ROWS(match_rows, check_match),
        ROWS(pattern_rows, check_pattern),
        ROWS(kind_rows, check_kind),
    };

    return cmocka_run_group_tests_name("authority", tests, NULL, NULL);
}
