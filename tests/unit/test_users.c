/* Tests of users and sign_in: lines of the file, credentials, and what is remembered of them. */
#include "users.h"

#include <crypt.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "clock.h"
#include "sign_in.h"
#include "support.h"

#define SHA512_DIGEST                                                                              \
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234/"
#define DIGEST_43 "012345678901234567890123456789012345678901."
#define GOOD      "alice:$6$salt$" SHA512_DIGEST "\n"

static void close_users(void *users)
{
    users_free(users);
}

/* Opens a file that holds the text; NULL with error. */
static struct users *open_text(const char *text, const char **path, char error[USERS_ERROR_BYTES])
{
    *path = new_file(slice_of(text));
    chmod(*path, S_IRUSR);
    struct users *users = users_open(*path, error);
    if (users != NULL)
        defer(close_users, users);
    return users;
}

/* ---- lines ---- */

static const struct {
    const char *name, *text;
} good_rows[] = {
    {"SHA-512", GOOD},
    {"SHA-512 with rounds", "a:$6$rounds=1000$salt$" SHA512_DIGEST "\n"},
    {"SHA-256", "a:$5$salt$" DIGEST_43 "\n"},
    {"yescrypt", "a:$y$j9T$F5Jx5fExrKuPp53xLKQ..1$" DIGEST_43 "\n"},
    {"bcrypt", "a:$2b$05$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234\n"},
    {"bcrypt as htpasswd makes it",
     "a:$2y$05$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234\n"},
    {"no newline at the end", "a:$5$salt$" DIGEST_43},
    {"CRLF, comments, blank lines",
     "# users\r\n\r\n  \t\n" GOOD "#a:b\n\nb:$5$s$" DIGEST_43 "\r\n"},
    {"a name with a space, and UTF-8", "Zo\xC3\xAB van A:$5$salt$" DIGEST_43 "\n"},
};

static void check_good(const void *row_at)
{
    char error[USERS_ERROR_BYTES] = "";
    const char *path;

    check(open_text(((const char *const *)row_at)[1], &path, error) != NULL, "%s", error);
}

static const struct bad_row {
    const char *name, *text;
    const char *place, *says; /* NULL: the file as a whole */
} bad_rows[] = {
    {"empty", "", NULL, "has no line with name:hash"},
    {"only comments", "# a\n\n", NULL, "has no line with name:hash"},
    {"no colon", GOOD "bob\n", ":2: ", "give name:hash"},
    {"no name", GOOD "\n:$5$salt$" DIGEST_43 "\n", ":3: ", "no name before the colon"},
    {"no hash", "a:\n", ":1: ", "no hash of crypt(5)"},
    {"a password", "a:secret\n", ":1: ", "of a weak or an unknown method"},
    {"a password with a space", "a:my secret\n", ":1: ", "no hash of crypt(5)"},
    {"DES", "a:ab1x2y3z4w5v6\n", ":1: ", "of a weak or an unknown method"},
    {"MD5", "a:$1$salt$0123456789012345678901\n", ":1: ", "of a weak or an unknown method"},
    {"Apache's MD5", "a:$apr1$salt$0123456789012345678901\n", ":1: ", "htpasswd -nB NAME"},
    {"SHA-1 of htpasswd", "a:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n", ":1: ", "no hash of crypt(5)"},
    {"NT", "a:$3$$8846f7eaee8fb117ad06bdd830b7586c\n", ":1: ", "weak or an unknown"},
    {"cut", "a:$6$salt$0123\n", ":1: ", "a part of the hash is missing"},
    {"without the digest", "a:$6$salt$\n", ":1: ", "a part of the hash is missing"},
    {"too long", "a:$5$salt$" DIGEST_43 "0\n", ":1: ", "too much is there"},
    {"bcrypt cut", "a:$2b$05$abcdefghijklmnopqrstuu\n", ":1: ", "a part of the hash is missing"},
    {"a disabled account", "a:!$5$salt$" DIGEST_43 "\n", ":1: ", "no hash of crypt(5)"},
    {"more fields, as shadow(5) has", "a:$5$salt$" DIGEST_43 ":19000:0\n", ":1: ", "no hash"},
    {"a name twice", "a:$5$s$" DIGEST_43 "\nb:$5$s$" DIGEST_43 "\na:$5$t$" DIGEST_43 "\n",
     ":3: ", "the name stands twice"},
    {"a tab in a name", "a\tb:$5$s$" DIGEST_43 "\n", ":1: ", "a control octet"},
};

static void check_bad(const void *row_at)
{
    const struct bad_row *row = row_at;
    char error[USERS_ERROR_BYTES] = "";
    const char *path;

    if (!check(open_text(row->text, &path, error) == NULL, "accepted"))
        return;
    check_has("error", error, row->says);
    check_has("error", error, row->place != NULL ? text_of("%s%s", path, row->place) : path);
    check_lacks("error", error, "secret");
    check_lacks("error", error, "salt");
}

/* ---- signing in ---- */

static const char *base64_of(struct slice octets)
{
    struct buffer *out = new_buffer(octets.len * 2 + 8);

    EVP_EncodeBlock((unsigned char *)out->at, (const unsigned char *)octets.at, (int)octets.len);
    return out->at;
}

static const char *hash_of(const char *password)
{
    return text_of("%s", crypt(password, "$5$rounds=1000$abcdefgh$"));
}

/* What becomes of a request with that field line; the name, and whether the line holds anything of
 * the credentials afterwards. */
static enum sign_in_result sign_in(struct users *users, const char *line, struct slice *name)
{
    struct buffer *head = new_buffer(4096);
    struct http_request request;
    struct http_fault fault;

    buffer_add_text(head, text_of("GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", line));
    assert_true(read_request(buffer_content(head), &request, &fault));
    enum sign_in_result result = sign_in_check(users, &request, name);
    const char *token = strstr(line, "asic ");
    if (token != NULL && result != SIGN_IN_MISSING)
        check(memmem(head->at, head->end, token + 5, strcspn(token + 5, "\r ")) == NULL,
              "the credentials are left");
    return result;
}

static struct users *two_users(const char **path)
{
    char error[USERS_ERROR_BYTES] = "";
    struct users *users =
        open_text(text_of("alice:%s\nbob:%s\n", hash_of("for:alice"), hash_of("f\xC3\xBCr bob")),
                  path, error);

    if (users == NULL)
        fail_msg("%s", error);
    sign_in_forget();
    return users;
}

#define BASIC(text) true, OCTETS(text)

static const struct sign_in_row {
    const char *name, *scheme;
    bool encodes;
    struct slice credentials;
    enum sign_in_result result;
    const char *user;
} sign_in_rows[] = {
    {"right", "Basic ", BASIC("alice:for:alice"), SIGNED_IN, "alice"},
    {"right, in UTF-8", "Basic ", BASIC("bob:f\xC3\xBCr bob"), SIGNED_IN, "bob"},
    {"the scheme in another case", "bASIC   ", BASIC("alice:for:alice"), SIGNED_IN, "alice"},
    {"wrong password", "Basic ", BASIC("alice:for alice"), SIGN_IN_WRONG, "alice"},
    {"empty password", "Basic ", BASIC("alice:"), SIGN_IN_WRONG, "alice"},
    {"another's password", "Basic ", BASIC("bob:for:alice"), SIGN_IN_WRONG, "bob"},
    {"another's password, of a name that is unknown", "Basic ", BASIC("carol:for:alice"),
     SIGN_IN_WRONG, ""},
    {"no name", "Basic ", BASIC(":for:alice"), SIGN_IN_WRONG, ""},
    {"the name in another case", "Basic ", BASIC("Alice:for:alice"), SIGN_IN_WRONG, ""},
    {"a NUL behind the password", "Basic ", BASIC("alice:for:alice\0x"), SIGN_IN_WRONG, ""},
    {"a newline behind the password", "Basic ", BASIC("alice:for:alice\n"), SIGN_IN_WRONG, ""},
    {"no colon", "Basic ", BASIC("alice"), SIGN_IN_WRONG, ""},
    {"no base64", "Basic ", false, OCTETS("alice:for:alice"), SIGN_IN_WRONG, ""},
    {"half base64", "Basic ", false, OCTETS("YWxpY2U6Zm9yOmFsaWNl="), SIGN_IN_WRONG, ""},
    {"base64 for URLs", "Basic ", false, OCTETS("Ym9iOmbDvHIgYm9i_-8="), SIGN_IN_WRONG, ""},
    {"padding within", "Basic ", false, OCTETS("YQ==YWxpY2U6Zm9yOmFsaWNl"), SIGN_IN_WRONG, ""},
    {"only padding", "Basic ", false, OCTETS("=="), SIGN_IN_WRONG, ""},
    {"another scheme", "Bearer ", false, OCTETS("YWxpY2U6Zm9yOmFsaWNl"), SIGN_IN_MISSING, ""},
    {"a longer scheme", "Basics ", false, OCTETS("YWxpY2U6Zm9yOmFsaWNl"), SIGN_IN_MISSING, ""},
    {"the scheme alone", "Basic", false, OCTETS(""), SIGN_IN_MISSING, ""},
    {"two fields", "Basic YWxpY2U6Zm9yOmFsaWNl\r\nAuthorization: Basic ", BASIC("alice:for:alice"),
     SIGN_IN_MISSING, ""},
};

static void check_sign_in(const void *row_at)
{
    const struct sign_in_row *row = row_at;
    const char *path;
    struct users *users = two_users(&path);
    struct slice name;
    const char *token = row->encodes ? base64_of(row->credentials) : row->credentials.at;

    /* Twice: what is remembered changes nothing. */
    for (int i = 0; i < 2; i++) {
        const char *line = text_of("Authorization: %s%s\r\n", row->scheme, token);
        check_number("result", sign_in(users, line, &name), row->result);
        check_octets("user", name, slice_of(row->user));
    }
}

static void long_credentials_are_wrong(void)
{
    const char *path;
    struct users *users = two_users(&path);
    struct slice name;

    for (size_t len = 500; len < 1200; len += 50) {
        const char *text = text_of("alice:%s", letters(len));
        const char *line = text_of("Authorization: Basic %s\r\n", base64_of(slice_of(text)));
        check_number("result", sign_in(users, line, &name), SIGN_IN_WRONG);
    }
}

/* The crypt(3) of a wrong hash cannot be right; so what is right without it was remembered. */
static void what_was_right_is_remembered_until_the_file_changes(void)
{
    const char *path;
    struct users *users = two_users(&path);
    const char *line =
        text_of("Authorization: Basic %s\r\n", base64_of(slice_of("alice:for:alice")));
    struct slice name;
    bool is_known;

    check_number("first", sign_in(users, line, &name), SIGNED_IN);
    long long begun = clock_now_us();
    for (int i = 0; i < 100; i++)
        check_number("again", sign_in(users, line, &name), SIGNED_IN);
    long long remembered = clock_now_us() - begun;
    begun = clock_now_us();
    for (int i = 0; i < 100; i++) {
        sign_in_forget();
        check_number("anew", sign_in(users, line, &name), SIGNED_IN);
    }
    check(clock_now_us() - begun > 2 * remembered, "each sign-in is hashed");

    chmod(path, S_IRUSR | S_IWUSR);
    FILE *file = fopen(path, "w");
    fprintf(file, "alice:%s\n", hash_of("another"));
    fclose(file);
    unsigned long generation = users_generation(users);
    long long until = clock_now_ms() + 10000;
    for (long long now = until; users_generation(users) == generation && clock_now_ms() < until;
         now += 5000)
        users_refresh(users, now);
    check_number("after a change", sign_in(users, line, &name), SIGN_IN_WRONG);
    users_hash_of(users, slice_of("bob"), &is_known);
    check(!is_known, "bob is still known");
}

static void unknown_names_have_a_hash_to_be_held_against(void)
{
    const char *path;
    struct users *users = two_users(&path);
    bool is_known;

    struct slice hash = users_hash_of(users, slice_of("carol"), &is_known);
    check(!is_known && hash.len > 0, "none");
    for (int i = 0; i < 10; i++)
        check_octets("hash", users_hash_of(users, slice_of("carol"), &is_known), hash);
}

static void failures_are_logged_once_a_second(void)
{
    const char *path;
    struct users *users = two_users(&path);

    check(users_may_log(users, 5000), "the first");
    check(!users_may_log(users, 5999), "the second");
    check(users_may_log(users, 6000), "a second later");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROWS(good_rows, check_good),
        ROWS(bad_rows, check_bad),
        ROWS(sign_in_rows, check_sign_in),
        TEST(long_credentials_are_wrong),
        TEST(what_was_right_is_remembered_until_the_file_changes),
        TEST(unknown_names_have_a_hash_to_be_held_against),
        TEST(failures_are_logged_once_a_second),
    };

    return cmocka_run_group_tests_name("users", tests, NULL, NULL);
}
