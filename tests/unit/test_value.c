/* Tests of value: ${...} in header values, resolved at load or for each request. */
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "support.h"
#include "value.h"

#define SECRET "s3cret"

static const struct value_context context = {
    .request_id = OCTETS("0123456789abcdef0123456789abcdef"),
    .client_ip = OCTETS("192.0.2.7"),
};

/* Compiles the text; false after a check has failed. */
static bool compile(const char *text, struct value *value)
{
    char error[VALUE_ERROR_BYTES] = "";

    return check(value_compile(text, value, error), "refused: %s", error);
}

static struct slice render(const struct value *value)
{
    struct buffer *out = new_buffer(2 * VALUE_BYTES_MAX);

    value_render(value, &context, out);
    check(buffer_length(out) <= value_bytes_max(value), "more than value_bytes_max: %zu",
          value_bytes_max(value));
    return buffer_content(out);
}

static struct slice describe(const struct value *value, bool hide_literals)
{
    struct buffer *out = new_buffer(4096);

    value_describe(value, hide_literals, out);
    return buffer_content(out);
}

static const struct value_row {
    const char *name, *text;
    const char *rendered;
    const char *described, *hidden; /* for people, and with literals hidden */
} value_rows[] = {
    {"empty", "", "", "", ""},
    {"literal", "abc", "abc", "abc", "***"},
    {"spaces and tabs inside", "a \t b", "a \t b", "a \t b", "***"},
    {"obs-text (RFC 9110 5.5)", "\xE4\x80\xFF", "\xE4\x80\xFF", "\xE4\x80\xFF", "***"},
    {"quotes, semicolon, hash", "\"a\" ; b # c", "\"a\" ; b # c", "\"a\" ; b # c", "***"},
    {"braces", "{a}", "{a}", "{a}", "***"},
    {"dollar", "$$", "$", "$", "***"},
    {"dollar within", "a$$b", "a$b", "a$b", "***"},
    {"two dollars", "$$$$", "$$", "$$", "***"},
    {"no variable behind a dollar", "$${env:UNIT_SECRET}", "${env:UNIT_SECRET}",
     "${env:UNIT_SECRET}", "***"},
    {"dollar before a variable", "$$${request_id}", "$0123456789abcdef0123456789abcdef",
     "$${request_id}", "***${request_id}"},
    {"environment", "${env:UNIT_SECRET}", SECRET, "***", "***"},
    {"environment behind a literal", "Bearer ${env:UNIT_SECRET}", "Bearer " SECRET, "Bearer ***",
     "***"},
    {"environment between literals", "a${env:UNIT_SECRET}b", "a" SECRET "b", "a***b", "***"},
    {"two secrets show as one", "${env:UNIT_SECRET}${env:UNIT_SECRET}", SECRET SECRET, "***",
     "***"},
    {"a secret is not expanded again", "${env:UNIT_DOLLAR}", "${env:UNIT_SECRET}$", "***", "***"},
    {"tab in the environment", "${env:UNIT_TAB}", "a\tb", "***", "***"},
    {"obs-text in the environment", "${env:UNIT_OBS_TEXT}", "\xE4", "***", "***"},
    {"request id", "${request_id}", "0123456789abcdef0123456789abcdef", "${request_id}",
     "${request_id}"},
    {"client address", "for=${client_ip}", "for=192.0.2.7", "for=${client_ip}", "***${client_ip}"},
    {"all of them", "a${client_ip}b${env:UNIT_SECRET}${client_ip}",
     "a192.0.2.7b" SECRET "192.0.2.7", "a${client_ip}b***${client_ip}",
     "***${client_ip}***${client_ip}"},
};

static void check_value(const void *at)
{
    const struct value_row *row = at;
    struct value value;

    if (!compile(row->text, &value))
        return;
    check_octets("rendered", render(&value), slice_of(row->rendered));
    check_octets("described", describe(&value, false), slice_of(row->described));
    check_octets("hidden", describe(&value, true), slice_of(row->hidden));
    check_number("no parts", value.count == 0, row->text[0] == '\0');
    if (check(value_mask(&value), "not masked"))
        check_octets("masked", render(&value), slice_of(row->hidden));
    value_free(&value);
    value_free(&value); /* an empty one */
}

struct refused_row {
    const char *name, *text;
    const char *error;
};

static const struct refused_row refused_rows[] = {
    {"dollar at the end", "a$", "$$"},
    {"dollar before a letter", "$a", "$$"},
    {"variable without braces", "$UNIT_SECRET", "$$"},
    {"dollar before a space", "$ {env:UNIT_SECRET}", "$$"},
    {"not terminated", "${env:UNIT_SECRET", "${name}"},
    {"not terminated at once", "${", "${name}"},
    {"not terminated behind another", "${request_id}${env:UNIT_SECRET", "${name}"},
    {"no name", "${}", "${env:NAME}"},
    {"unknown", "${hostname}", "${hostname} is not known"},
    {"unknown says what there is", "${x}", "${cred:name}"},
    {"unknown says what there is for requests", "${x}", "${request_id}"},
    {"capitals", "${REQUEST_ID}", "is not known"},
    {"space", "${ request_id }", "is not known"},
    {"more behind the name", "${request_id }", "is not known"},
    {"env without a name", "${env:}", "is not known"},
    {"env without a colon", "${env}", "is not known"},
    {"file without a path", "${file:}", "is not known"},
    {"file with a relative path", "${file:token}", "${file:/path}"},
    {"cred without a name", "${cred:}", "is not known"},
    {"env that is not set", "${env:UNIT_NOT_SET}", "UNIT_NOT_SET is not set"},
    {"env that is empty", "${env:UNIT_EMPTY}", "UNIT_EMPTY is empty"},
    {"env with CR (RFC 9110 5.5)", "${env:UNIT_CR}", "0x0d) at byte 7"},
    {"env with LF (RFC 9110 5.5)", "${env:UNIT_LF}", "0x0a) at byte 7"},
    {"env with LF at its end", "${env:UNIT_LF_END}", "0x0a) at byte 7"},
    {"env with ESC", "${env:UNIT_ESC}", "0x1b"},
    {"env with DEL", "${env:UNIT_DEL}", "0x7f"},
    {"CR", "a\rb", "0x0d) at byte 2"},
    {"LF", "a\nb", "0x0a) at byte 2"},
    {"ESC", "a\x1B", "0x1b) at byte 2"},
    {"DEL", "\x7F", "0x7f) at byte 1"},
    {"control octet behind a variable", "${client_ip}a\x01", "0x01) at byte 14"},
    {"control octet behind a dollar", "$$a\x01", "0x01) at byte 4"},
    {"file that is not there", "${file:/nonexistent/token}", "/nonexistent/token: No such file"},
    {"file that is a directory", "${file:/}", "cannot read /"},
    {"cred with a path", "${cred:../token}", "not a path"},
    {"cred with a slash at its front", "${cred:/token}", "not a path"},
    {"cred that is hidden", "${cred:.token}", "not a path"},
    {"cred outside systemd", "${cred:token}", "CREDENTIALS_DIRECTORY"},
};

static void check_refused(const void *at)
{
    const struct refused_row *row = at;
    char error[VALUE_ERROR_BYTES] = "";
    struct value value;

    if (!check(!value_compile(row->text, &value, error), "accepted")) {
        value_free(&value);
        return;
    }
    check_has("error", error, row->error);
    check_lacks("error", error, SECRET);
    check(value.parts == NULL && value.count == 0, "something is left to free");
}

/* The octet may stand in the text, in a variable or in a file: none of them is let through. */
static void test_every_control_octet(void)
{
    char error[VALUE_ERROR_BYTES];
    struct value value;

    for (int c = 1; c < 256; c++) {
        const char text[] = {'a', (char)c, 'b', '\0'};
        bool allowed = (c >= 0x20 && c != 0x7F) || c == '\t';
        setenv("UNIT_ANY", text, 1);
        const char *const forms[] = {c == '$' ? "a$$b" : text, "${env:UNIT_ANY}"};
        for (size_t i = 0; i < COUNT_OF(forms); i++) {
            bool valid = value_compile(forms[i], &value, error);
            check(valid == allowed, "octet 0x%02x, form %zu: %d", (unsigned)c, i, valid);
            if (valid)
                value_free(&value);
        }
    }
}

/* ---- files ---- */

static const struct file_row {
    const char *name;
    struct slice content;
    const char *rendered; /* NULL: refused, for the reason in error */
    const char *error;
} file_rows[] = {
    {"without a newline", OCTETS(SECRET), SECRET, NULL},
    {"with a newline", OCTETS(SECRET "\n"), SECRET, NULL},
    {"with CRLF", OCTETS(SECRET "\r\n"), SECRET, NULL},
    {"one octet", OCTETS("x"), "x", NULL},
    {"one octet and a newline", OCTETS("x\n"), "x", NULL},
    {"with dollars", OCTETS("${env:UNIT_SECRET}$\n"), "${env:UNIT_SECRET}$", NULL},
    {"spaces stay", OCTETS(" " SECRET " \n"), " " SECRET " ", NULL},
    {"empty", OCTETS(""), NULL, "is empty"},
    {"only a newline", OCTETS("\n"), NULL, "is empty"},
    {"only CRLF", OCTETS("\r\n"), NULL, "is empty"},
    {"two newlines", OCTETS(SECRET "\n\n"), NULL, "0x0a) at byte 7"},
    {"two lines", OCTETS(SECRET "\nX: y\n"), NULL, "0x0a) at byte 7"},
    {"CR at the end, which is no newline", OCTETS(SECRET "\r"), NULL, "0x0d) at byte 7"},
    {"CR within", OCTETS(SECRET "\rX: y"), NULL, "0x0d) at byte 7"},
    {"NUL within", OCTETS(SECRET "\0more"), NULL, "0x00) at byte 7"},
    {"NUL at the end", OCTETS(SECRET "\0"), NULL, "0x00) at byte 7"},
    {"NUL before the newline", OCTETS(SECRET "\0\n"), NULL, "0x00) at byte 7"},
    {"UTF-16", OCTETS("\xFF\xFEs\0"), NULL, "0x00) at byte 4"},
};

static void check_source(const struct file_row *row, const char *text)
{
    char error[VALUE_ERROR_BYTES] = "";
    struct value value;

    bool valid = value_compile(text, &value, error);
    if (!check(valid == (row->rendered != NULL), "%s: %s", valid ? "accepted" : "refused", error))
        return;
    if (valid) {
        check_octets("rendered", render(&value), slice_of(row->rendered));
        check_octets("described", describe(&value, false), slice_of("***"));
        value_free(&value);
    } else {
        check_has("error", error, row->error);
        check_lacks("error", error, SECRET);
    }
}

static void check_file(const void *at)
{
    const struct file_row *row = at;
    const char *directory = new_directory("api-key", row->content);

    check_source(row, text_of("${file:%s}", new_file(row->content)));
    setenv("CREDENTIALS_DIRECTORY", directory, 1);
    check_source(row, "${cred:api-key}");
    unsetenv("CREDENTIALS_DIRECTORY");
}

static void test_credential_that_is_not_there(void)
{
    char error[VALUE_ERROR_BYTES] = "";
    struct value value;

    setenv("CREDENTIALS_DIRECTORY", new_directory("api-key", slice_of(SECRET)), 1);
    check(!value_compile("${cred:other}", &value, error), "accepted");
    check_has("error", error, "there is no credential other: write LoadCredential=other:/path");
    unsetenv("CREDENTIALS_DIRECTORY");
}

static void test_credential_with_a_long_path(void)
{
    char error[VALUE_ERROR_BYTES] = "";
    struct value value;

    setenv("CREDENTIALS_DIRECTORY", letters(5000), 1);
    check(!value_compile("${cred:api-key}", &value, error), "accepted");
    check_has("error", error, "too long");
    unsetenv("CREDENTIALS_DIRECTORY");
}

/* ---- bounds ---- */

static const struct bound_row {
    const char *name;
    const char *text; /* %s stands for so many letters, or for the path of a file of them */
    size_t letters;
    bool in_file;
    const char *file_end;
    bool valid;
} bound_rows[] = {
    {"literal at the bound", "%s", VALUE_BYTES_MAX, false, "", true},
    {"literal over it", "%s", VALUE_BYTES_MAX + 1, false, "", false},
    {"far over it", "%s", 10 * VALUE_BYTES_MAX, false, "", false},
    {"file at the bound", "${file:%s}", VALUE_BYTES_MAX, true, "", true},
    {"file at the bound and LF", "${file:%s}", VALUE_BYTES_MAX, true, "\n", true},
    {"file at the bound and CRLF", "${file:%s}", VALUE_BYTES_MAX, true, "\r\n", true},
    {"file over it", "${file:%s}", VALUE_BYTES_MAX + 1, true, "", false},
    {"file over it and LF", "${file:%s}", VALUE_BYTES_MAX + 1, true, "\n", false},
    {"file over it and CRLF", "${file:%s}", VALUE_BYTES_MAX + 1, true, "\r\n", false},
    {"file at the bound, CRLF and more", "${file:%s}", VALUE_BYTES_MAX, true, "\r\nb", false},
    {"file far over it", "${file:%s}", 10 * VALUE_BYTES_MAX, true, "", false},
    {"file and a literal at the bound", "b${file:%s}", VALUE_BYTES_MAX - 1, true, "", true},
    {"file and a literal over it", "b${file:%s}", VALUE_BYTES_MAX, true, "", false},
    {"request id counts", "%s${request_id}", VALUE_BYTES_MAX - REQUEST_ID_BYTES, false, "", true},
    {"request id over it", "%s${request_id}", VALUE_BYTES_MAX - REQUEST_ID_BYTES + 1, false, "",
     false},
    {"client address counts", "%s${client_ip}", VALUE_BYTES_MAX - ADDRESS_TEXT_BYTES, false, "",
     true},
    {"client address over it", "%s${client_ip}", VALUE_BYTES_MAX - ADDRESS_TEXT_BYTES + 1, false,
     "", false},
};

/* The text with what stands for %s in it. */
static const char *filled(const char *text, const char *with)
{
    const char *hole = strstr(text, "%s");

    return text_of("%.*s%s%s", (int)(hole - text), text, with, hole + 2);
}

static void check_bound(const void *at)
{
    const struct bound_row *row = at;
    const char *with = letters(row->letters);
    char error[VALUE_ERROR_BYTES] = "";
    struct value value;

    if (row->in_file)
        with = new_file(slice_of(text_of("%s%s", with, row->file_end)));
    bool valid = value_compile(filled(row->text, with), &value, error);
    if (!check(valid == row->valid, "%s: %s", valid ? "accepted" : "refused", error))
        return;
    if (valid) {
        render(&value);
        value_free(&value);
    } else {
        check_has("error", error, "65536 bytes");
    }
}

static void test_long_names_are_cut_in_errors(void)
{
    static const char *const forms[] = {"${%s}", "${env:%s}", "${cred:%s}", "${file:/%s}"};
    struct value value;

    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        char error[VALUE_ERROR_BYTES] = "";
        check(!value_compile(filled(forms[i], letters(3000)), &value, error), "accepted");
        check(strlen(error) > 20, "form %zu: no error", i);
    }
    check(!value_compile(filled("${%s}", letters(100000)), &value, (char[VALUE_ERROR_BYTES]){0}),
          "accepted");
}

static void test_render_needs_its_bound(void)
{
    struct buffer *out = new_buffer(REQUEST_ID_BYTES + 3);
    struct value value;

    if (!compile("ab${request_id}cd", &value))
        return;
    check_number("bound", value_bytes_max(&value), REQUEST_ID_BYTES + 4);
    value_render(&value, &context, out);
    check(out->overflowed, "one byte short must overflow");
    value_free(&value);
}

static int set_environment(void **state)
{
    (void)state;
    setenv("UNIT_SECRET", SECRET, 1);
    setenv("UNIT_DOLLAR", "${env:UNIT_SECRET}$", 1);
    setenv("UNIT_EMPTY", "", 1);
    setenv("UNIT_TAB", "a\tb", 1);
    setenv("UNIT_OBS_TEXT", "\xE4", 1);
    setenv("UNIT_CR", SECRET "\rX: y", 1);
    setenv("UNIT_LF", SECRET "\nX: y", 1);
    setenv("UNIT_LF_END", SECRET "\n", 1);
    setenv("UNIT_ESC", SECRET "\x1B[2J", 1);
    setenv("UNIT_DEL", SECRET "\x7F", 1);
    unsetenv("UNIT_NOT_SET");
    unsetenv("CREDENTIALS_DIRECTORY");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROWS(value_rows, check_value),           ROWS(refused_rows, check_refused),
        TEST(test_every_control_octet),          ROWS(file_rows, check_file),
        TEST(test_credential_that_is_not_there), TEST(test_credential_with_a_long_path),
        ROWS(bound_rows, check_bound),           TEST(test_long_names_are_cut_in_errors),
        TEST(test_render_needs_its_bound),
    };

    return cmocka_run_group_tests_name("value", tests, set_environment, NULL);
}
