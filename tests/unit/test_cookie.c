/* Tests of cookie: Set-Cookie as the client needs it, and the names on their way back (RFC 6265).
 */
#include <string.h>

#include "cookie.h"
#include "support.h"

static struct mapping mapping_of(bool client_has_tls, const char *prefix, const char *base)
{
    return (struct mapping){
        .client = {.is_https = client_has_tls, .authority = slice_of("127.0.0.1:8080")},
        .prefix = slice_of(prefix),
        .base = slice_of(base),
    };
}

/* ---- Set-Cookie ---- */

static const struct set_row {
    const char *name, *value;
    const char *plain, *tls; /* for a client without and with TLS; NULL: as it is */
} set_rows[] = {
    {"plain", "a=b", NULL, NULL},
    {"kept", "a=b; Max-Age=1; HttpOnly;Expires=Wed, 21 Oct 2026 07:28:00 GMT; SameSite=Lax; x=y",
     NULL, NULL},
    {"Domain goes", "a=b; Domain=t.example; Path=/", "a=b; Path=/", "a=b; Path=/"},
    {"in any case", "a=b;\tdOMAIN \t= .t.example ;HttpOnly", "a=b;HttpOnly", "a=b;HttpOnly"},
    {"each copy", "a=b; Domain=x; HttpOnly; Domain=y; Domain", "a=b; HttpOnly", "a=b; HttpOnly"},
    {"Secure goes without TLS", "a=b; Secure; HttpOnly", "a=b; HttpOnly", NULL},
    {"Secure with a value", "a=b;secure=no", "a=b", NULL},
    {"SameSite=None goes without TLS", "a=b; SameSite=None; Secure", "a=b", NULL},
    {"in any case", "a=b; samesite = NONE ;x", "a=b;x", NULL},
    {"the last one counts", "a=b; SameSite=None; SameSite=Strict", NULL, NULL},
    {"and none before it comes to count", "a=b; SameSite=Strict; SameSite=None", "a=b", NULL},
    {"SameSite=Nonesuch", "a=b; SameSite=Nonesuch", NULL, NULL},
    {"Partitioned goes without TLS", "a=b; Partitioned; Path=/", "a=b; Path=/", NULL},
    {"names that begin so", "a=b; Domains=x; Secured; Partition; SameSites=None", NULL, NULL},
    {"empty attributes", "a=b;; ;Path=/;", NULL, NULL},
    {"value of any octets", "a= \"b, c\" = d\xE4%\\ ; Secure", "a= \"b, c\" = d\xE4%\\ ", NULL},
    {"value that looks like attributes", "a=Secure Domain=x", NULL, NULL},
    {"empty", "", NULL, NULL},
    {"no name", "=b; Secure", "=b", NULL},
    {"no name, no =", "b; Secure", "b", NULL},
    {"only attributes", "; Secure", "", NULL},

    {"__Host-", "__Host-a=b; Secure; Path=/", "authbridge__Host-a=b; Path=/", NULL},
    {"__Secure-", "__Secure-a=b; Secure", "authbridge__Secure-a=b", NULL},
    {"in any case, as browsers read it", " __hOST-a=b", " authbridge__hOST-a=b", NULL},
    {"__Http-", "__Http-a=b; Secure; HttpOnly", "authbridge__Http-a=b; HttpOnly", NULL},
    {"__Host-Http-", "__Host-Http-a=b", "authbridge__Host-Http-a=b", NULL},
    {"a name that is an alias itself", "authbridge__Host-a=b", "authbridgeauthbridge__Host-a=b",
     "authbridgeauthbridge__Host-a=b"},
    {"a name that only begins so", "authbridge_Host-a=b", NULL, NULL},
    {"a name that has it within", "a__Host-=b", NULL, NULL},
    {"one underscore", "_Host-a=b", NULL, NULL},
    {"__Host- as a value", "a=__Host-b", NULL, NULL},
    {"__Host- without =", "__Host-a", NULL, NULL},
};

static void check_map(const struct mapping *mapping, const char *value, const char *expected)
{
    struct slice same = slice_of(expected != NULL ? expected : value);
    struct buffer *out = new_buffer(4096);

    cookie_map(mapping, guarded(slice_of(value)), out);
    check_octets(value, buffer_content(out), same);
    for (size_t cap = 1; cap < same.len; cap += 3) {
        out = new_buffer(cap);
        cookie_map(mapping, guarded(slice_of(value)), out);
        check(out->overflowed, "%s: %zu octets in %zu", value, same.len, cap);
    }
}

static void check_set(const void *at)
{
    const struct set_row *row = at;
    struct mapping plain = mapping_of(false, "", "");
    struct mapping tls = mapping_of(true, "", "");

    check_map(&plain, row->value, row->plain);
    check_map(&tls, row->value, row->tls);
}

static const struct path_row {
    const char *name, *prefix, *base, *value, *expected; /* NULL: as it is */
} path_rows[] = {
    {"no prefix", "", "", "a=b; Path=/x", NULL},
    {"prefix", "/pay", "", "a=b; Path=/x; HttpOnly", "a=b; Path=/pay/x; HttpOnly"},
    {"all paths", "/pay", "", "a=b; path = / ;x", "a=b; path = /pay ;x"},
    {"slash behind", "/pay", "", "a=b; Path=/x/", "a=b; Path=/pay/x/"},
    {"each copy", "/pay", "", "a=b; Path=/x; Path=/y", "a=b; Path=/pay/x; Path=/pay/y"},
    {"no Path", "/pay", "", "a=b", NULL},
    {"empty Path", "/pay", "", "a=b; Path; Path=", NULL},
    {"a Path that is none", "/pay", "", "a=b; Path=x", NULL},
    {"base", "", "/b", "a=b; Path=/b/x", "a=b; Path=/x"},
    {"base alone", "", "/b", "a=b; Path=/b", "a=b; Path=/"},
    {"base and slash", "", "/b", "a=b; Path=/b/", "a=b; Path=/"},
    {"above the base", "", "/b/c", "a=b; Path=/b", "a=b; Path=/"},
    {"all paths, base", "", "/b", "a=b; Path=/", NULL},
    {"beside the base", "", "/b", "a=b; Path=/bc", NULL},
    {"base and prefix", "/pay", "/b", "a=b; Path=/b/x", "a=b; Path=/pay/x"},
    {"all paths, base and prefix", "/pay", "/b", "a=b; Path=/", "a=b; Path=/pay"},
    {"beside the base, prefix", "/pay", "/b", "a=b; Path=/c", "a=b; Path=/pay/c"},
    {"__Host- demands all paths", "/pay", "", "__Host-a=b; Path=/; Secure",
     "authbridge__Host-a=b; Path=/pay; Secure"},
    {"__Secure- does not", "/pay", "", "__Secure-a=b; Path=/; Secure",
     "__Secure-a=b; Path=/pay; Secure"},
};

static void check_path(const void *at)
{
    const struct path_row *row = at;
    struct mapping mapping = mapping_of(true, row->prefix, row->base);

    check_map(&mapping, row->value, row->expected);
}

/* ---- Cookie ---- */

static const struct cookie_row {
    const char *name, *value, *expected; /* NULL: as it is */
} cookie_rows[] = {
    {"others", "a=b; c=d", NULL},
    {"alias", "authbridge__Host-a=b", "__Host-a=b"},
    {"among others", "a=b; authbridge__Secure-c=d;authbridge__Host-e=\"f\" ; g",
     "a=b; __Secure-c=d;__Host-e=\"f\" ; g"},
    {"alias of an alias", "authbridgeauthbridge__Host-a=b", "authbridge__Host-a=b"},
    {"case of the conditions", "authbridge__hosT-a=b", "__hosT-a=b"},
    {"the alias has one case", "AuthBridge__Host-a=b", NULL},
    {"no alias", "authbridge=a; authbridge_a=b; __Host-c=d", NULL},
    {"as a value", "a=authbridge__Host-b", NULL},
    {"empty", "", NULL},
    {"semicolons", ";; a=b;;", NULL},
};

static void check_cookie(const void *at)
{
    const struct cookie_row *row = at;
    struct buffer *out = new_buffer(4096);

    cookie_unmap(guarded(slice_of(row->value)), out);
    check_octets("Cookie", buffer_content(out),
                 slice_of(row->expected != NULL ? row->expected : row->value));
}

/* ---- properties ---- */

static unsigned next_random(unsigned *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 16;
}

/* Whatever the target calls a cookie, it comes back under that name, with its value. */
static void test_names_come_back(void)
{
    static const char *const pieces[] = {"authbridge", "__Host-",      "__Secure-",
                                         "__secure-",  "authb",        "_",
                                         "a",          "ridge__Host-", "__Http-"};
    unsigned state = 3;

    for (unsigned round = 0; round < 30000; round++) {
        struct mapping mapping = mapping_of(round % 2 == 0, round % 3 == 0 ? "/pay" : "", "");
        struct buffer *cookie = new_buffer(512);
        struct buffer *mapped = new_buffer(1024);
        struct buffer *back = new_buffer(1024);
        for (unsigned i = next_random(&state) % 6; i > 0; i--)
            buffer_add_text(cookie, pieces[next_random(&state) % COUNT_OF(pieces)]);
        buffer_add_text(cookie, round % 5 == 0 ? "=" : "=authbridge__Host-v=w");
        cookie_map(&mapping, buffer_content(cookie), mapped);
        cookie_unmap(buffer_content(mapped), back);
        if (!check_octets("cookie", buffer_content(back), buffer_content(cookie)))
            return;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROWS(set_rows, check_set),
        ROWS(path_rows, check_path),
        ROWS(cookie_rows, check_cookie),
        TEST(test_names_come_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
