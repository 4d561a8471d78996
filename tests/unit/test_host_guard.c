/* Tests of host_guard: the names and addresses that a bridge goes by. */
#include "host_guard.h"
#include "support.h"

#define LISTEN "[proxy]\nlisten = 127.0.0.1:8080, [::1]:8081, 10.0.0.5:8082, unix:/run/a\n"
#define ALLOW  "[access]\nallow = 10.0.0.0/8\n"
#define HOSTS  LISTEN ALLOW "hosts = staging.example, bridge.internal:8080, *.dev.example\n"
#define ALL    LISTEN ALLOW "hosts = *\n"

static const struct guard_row {
    const char *name, *settings, *host, *local;
    bool admitted;
} guard_rows[] = {
    {"by default an address", LISTEN ALLOW, "192.0.2.77:1", NULL, true},
    {"by default an IPv6 address", LISTEN ALLOW, "[2001:db8::1]", NULL, true},
    {"by default localhost", LISTEN ALLOW, "localhost:99", NULL, true},
    {"by default a name below localhost", LISTEN ALLOW, "a.localhost", NULL, true},
    {"by default a name", LISTEN ALLOW, "evil.example:8080", "127.0.0.1:8080", false},
    {"by default a name like an address", LISTEN ALLOW, "127.0.0.1.evil.example", "127.0.0.1:8080",
     false},
    {"by default no Host", LISTEN ALLOW, "", "127.0.0.1:8080", false},

    {"a listed name", HOSTS, "staging.example:1", NULL, true},
    {"a listed name with its port", HOSTS, "bridge.internal:8080", NULL, true},
    {"a listed name with another port", HOSTS, "bridge.internal:8081", NULL, false},
    {"a name below a listed one", HOSTS, "a.b.dev.example", NULL, true},
    {"another name", HOSTS, "evil.example", "127.0.0.1:8080", false},
    {"localhost beside a list", HOSTS, "localhost", NULL, true},
    {"no Host beside a list", HOSTS, "", "127.0.0.1:8080", false},
    {"a listener", HOSTS, "10.0.0.5", NULL, true},
    {"a listener with its port", HOSTS, "10.0.0.5:8082", NULL, true},
    {"a listener with another's port", HOSTS, "10.0.0.5:8080", "10.0.0.5:8082", false},
    {"a listener on IPv6", HOSTS, "[0::1]:8081", NULL, true},
    {"another address", HOSTS, "192.0.2.77:8080", "127.0.0.1:8080", false},
    {"where the connection came in", HOSTS, "192.0.2.77:8083", "192.0.2.77:8083", true},
    {"where it came in, without the port", HOSTS, "192.0.2.77", "192.0.2.77:8083", true},
    {"where it came in, with another port", HOSTS, "192.0.2.77:1", "192.0.2.77:8083", false},
    {"loopback over loopback", HOSTS, "127.0.0.2:1", "127.0.0.1:8080", true},
    {"IPv6 loopback over loopback", HOSTS, "[::1]:1", "127.0.0.1:8080", true},
    {"loopback from elsewhere", HOSTS, "127.0.0.2:1", "10.0.0.5:8082", false},
    {"loopback by a Unix socket", HOSTS, "127.0.0.2:1", "unix:/run/a", false},

    {"all: a name", ALL, "evil.example", NULL, true},
    {"all: no Host", ALL, "", NULL, true},
    {"all: an address", ALL, "192.0.2.77:8080", NULL, true},
};

static void check_guard(const void *row_at)
{
    const struct guard_row *row = row_at;
    struct address local = {0};

    if (row->local != NULL && !check(address_parse(row->local, &local), "no address"))
        return;
    check(host_guard_admits(config_of(row->settings), guarded(slice_of(row->host)),
                            row->local != NULL ? &local : NULL) == row->admitted,
          "admitted");
}

static void applies_to_browsers_or_to_all(void)
{
    struct http_request plain = request_of("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    struct http_request marked =
        request_of("GET / HTTP/1.1\r\nHost: a\r\nAccept-Language: b\r\n\r\n");

    check(!host_guard_applies(config_of(""), &plain), "to a program");
    check(host_guard_applies(config_of(""), &marked), "not to a browser");
    check(host_guard_applies(config_of("[access]\nhosts = a\n"), &plain), "not to all");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROWS(guard_rows, check_guard),
        TEST(applies_to_browsers_or_to_all),
    };

    return cmocka_run_group_tests_name("host_guard", tests, NULL, NULL);
}
