/* Tests of token_response: what token endpoints say, and the end of JSON Web Tokens. */
#include <string.h>

#include "support.h"
#include "token_response.h"

static const struct response_row {
    const char *name;
    struct slice content;
    const char *token; /* NULL: refused */
    long long expires_in_s;
    const char *problem; /* a part of it */
} response_rows[] = {
    {"as RFC 6749 5.1 has it",
     OCTETS("{\"access_token\":\"2YotnFZFEjr1zCsicMWpAA\",\"token_type\":\"example\",\"x\":1}"),
     NULL, 0, "token_type"},
    {"bearer", OCTETS("{\"access_token\":\"abc\",\"token_type\":\"bearer\",\"expires_in\":3600}"),
     "abc", 3600, NULL},
    {"without a type", OCTETS("{\"access_token\":\"abc\"}"), "abc", TOKEN_UNKNOWN, NULL},
    {"type null", OCTETS("{\"access_token\":\"abc\",\"token_type\":null}"), "abc", TOKEN_UNKNOWN,
     NULL},
    {"type a number", OCTETS("{\"access_token\":\"abc\",\"token_type\":1}"), NULL, 0, "token_type"},
    {"white space around", OCTETS(" \r\n\t{ \"access_token\" : \"abc\" } \n"), "abc", TOKEN_UNKNOWN,
     NULL},
    {"escaped", OCTETS("{\"access_token\":\"a\\u0062\\/c\"}"), "ab/c", TOKEN_UNKNOWN, NULL},
    {"every visible octet is in order",
     OCTETS("{\"access_token\":\"!#$%&'()*+,-./09:;<=>?@AZ[]^_`az{|}~\"}"),
     "!#$%&'()*+,-./09:;<=>?@AZ[]^_`az{|}~", TOKEN_UNKNOWN, NULL},
    {"seconds in a string", OCTETS("{\"access_token\":\"a\",\"expires_in\":\"60\"}"), "a", 60,
     NULL},
    {"a fraction in a string", OCTETS("{\"access_token\":\"a\",\"expires_in\":\"60.75\"}"), "a", 60,
     NULL},
    {"a fraction", OCTETS("{\"access_token\":\"a\",\"expires_in\":60.75}"), "a", 60, NULL},
    {"zero", OCTETS("{\"access_token\":\"a\",\"expires_in\":0}"), "a", 0, NULL},
    {"minus zero", OCTETS("{\"access_token\":\"a\",\"expires_in\":-0.0}"), "a", 0, NULL},
    {"far away", OCTETS("{\"access_token\":\"a\",\"expires_in\":1e30}"), "a", TOKEN_LIFETIME_MAX_S,
     NULL},
    {"far away in a string",
     OCTETS("{\"access_token\":\"a\",\"expires_in\":\"99999999999999999999999\"}"), "a",
     TOKEN_LIFETIME_MAX_S, NULL},
    {"more than an integer", OCTETS("{\"access_token\":\"a\",\"expires_in\":9223372036854775808}"),
     NULL, 0, "no JSON"},
    {"null", OCTETS("{\"access_token\":\"a\",\"expires_in\":null}"), "a", TOKEN_UNKNOWN, NULL},
    {"below zero", OCTETS("{\"access_token\":\"a\",\"expires_in\":-1}"), NULL, 0, "expires_in"},
    {"a word", OCTETS("{\"access_token\":\"a\",\"expires_in\":\"soon\"}"), NULL, 0, "expires_in"},
    {"an empty word", OCTETS("{\"access_token\":\"a\",\"expires_in\":\"\"}"), NULL, 0,
     "expires_in"},
    {"a sign in a string", OCTETS("{\"access_token\":\"a\",\"expires_in\":\"-1\"}"), NULL, 0,
     "expires_in"},
    {"an exponent in a string", OCTETS("{\"access_token\":\"a\",\"expires_in\":\"1e3\"}"), NULL, 0,
     "expires_in"},
    {"true", OCTETS("{\"access_token\":\"a\",\"expires_in\":true}"), NULL, 0, "expires_in"},
    {"no token", OCTETS("{}"), NULL, 0, "access_token"},
    {"a token of another type", OCTETS("{\"access_token\":1}"), NULL, 0, "access_token"},
    {"an empty token", OCTETS("{\"access_token\":\"\"}"), NULL, 0, "access_token"},
    {"a space in it", OCTETS("{\"access_token\":\"a b\"}"), NULL, 0, "access_token"},
    {"a line end in it", OCTETS("{\"access_token\":\"a\\r\\nb\"}"), NULL, 0, "access_token"},
    {"DEL in it", OCTETS("{\"access_token\":\"a\x7F\"}"), NULL, 0, "access_token"},
    {"an umlaut in it", OCTETS("{\"access_token\":\"\xC3\xA4\"}"), NULL, 0, "access_token"},
    {"NUL in it", OCTETS("{\"access_token\":\"a\\u0000b\"}"), NULL, 0, "no JSON"},
    {"two of them", OCTETS("{\"access_token\":\"a\",\"access_token\":\"b\"}"), NULL, 0, "no JSON"},
    {"an array", OCTETS("[{\"access_token\":\"a\"}]"), NULL, 0, "no JSON object"},
    {"a string", OCTETS("\"a\""), NULL, 0, "no JSON"},
    {"nothing", OCTETS(""), NULL, 0, "no JSON"},
    {"a page", OCTETS("<html>"), NULL, 0, "no JSON"},
    {"something behind it", OCTETS("{\"access_token\":\"a\"}x"), NULL, 0, "no JSON"},
    {"cut short", OCTETS("{\"access_token\":\"a\""), NULL, 0, "no JSON"},
    {"not UTF-8", OCTETS("{\"access_token\":\"a\",\"x\":\"\xFF\"}"), NULL, 0, "no JSON"},
};

static void check_response(const void *at)
{
    const struct response_row *row = at;
    struct token_response response;
    const char *problem;

    bool usable = token_response_read(guarded(row->content), &response, &problem);
    check(usable == (row->token != NULL), "usable: %d (%s)", usable, usable ? "" : problem);
    if (usable && row->token != NULL) {
        check_octets("token", (struct slice){response.token, response.len}, slice_of(row->token));
        check_number("expires_in", response.expires_in_s, row->expires_in_s);
    } else if (!usable && row->problem != NULL) {
        check_has("problem", problem, row->problem);
    }
    if (usable)
        token_response_free(&response);
}

static void test_deep(void)
{
    struct token_response response;
    const char *problem;
    char deep[20000];

    memset(deep, '[', sizeof deep);
    check(!token_response_read((struct slice){deep, sizeof deep}, &response, &problem), "deep");
}

static const struct error_row {
    const char *name;
    struct slice content;
    const char *code;
} error_rows[] = {
    {"known", OCTETS("{\"error\":\"invalid_client\"}"), "invalid_client"},
    {"unknown", OCTETS("{\"error\":\"s3cret\"}"), NULL},
    {"known with more behind", OCTETS("{\"error\":\"invalid_client s3cret\"}"), NULL},
    {"in capitals", OCTETS("{\"error\":\"INVALID_CLIENT\"}"), NULL},
    {"no string", OCTETS("{\"error\":{}}"), NULL},
    {"none", OCTETS("{}"), NULL},
    {"an array", OCTETS("[]"), NULL},
    {"no JSON", OCTETS("invalid_client"), NULL},
    {"nothing", OCTETS(""), NULL},
};

static void check_error(const void *at)
{
    const struct error_row *row = at;
    const char *code = token_response_error(guarded(row->content));

    check_text("code", code != NULL ? code : "none", row->code != NULL ? row->code : "none");
}

/* Payloads made by: printf '{"exp":1700000000}' | basenc --base64url | tr -d = */
static const struct jwt_row {
    const char *name;
    struct slice token;
    long long expires;
} jwt_rows[] = {
    {"exp", OCTETS("e30.eyJleHAiOjE3MDAwMDAwMDB9.c2ln"), 1700000000},
    {"without a signature", OCTETS("e30.eyJleHAiOjE3MDAwMDAwMDB9."), 1700000000},
    {"a fraction (RFC 7519 2)", OCTETS("e30.eyJleHAiOjE3MDAwMDAwMDAuNX0.c2ln"), 1700000000},
    {"a payload of - and _", OCTETS("e30.eyJ4IjoiPz8_fn5-IiwiZXhwIjoxfQ.c2ln"), 1},
    {"the same in the other alphabet", OCTETS("e30.eyJ4IjoiPz8/fn5+IiwiZXhwIjoxfQ.c2ln"),
     TOKEN_UNKNOWN},
    {"padded", OCTETS("e30.eyJleHAiOjF9Cg==.c2ln"), TOKEN_UNKNOWN},
    {"no exp", OCTETS("e30.e30.c2ln"), TOKEN_UNKNOWN},
    {"exp in a string", OCTETS("e30.eyJleHAiOiIxIn0.c2ln"), TOKEN_UNKNOWN},
    {"exp below zero", OCTETS("e30.eyJleHAiOi0xfQ.c2ln"), TOKEN_UNKNOWN},
    {"exp beyond all times", OCTETS("e30.eyJleHAiOjFlMzAwfQ.c2ln"), TOKEN_UNKNOWN},
    {"no JSON", OCTETS("e30.YWJj.c2ln"), TOKEN_UNKNOWN},
    {"one digit too many", OCTETS("e30.eyJleHAiOjE3MDAwMDAwMDB9A.c2ln"), TOKEN_UNKNOWN},
    {"a dot too many (JWE)", OCTETS("e30.eyJleHAiOjF9.a.b.c"), TOKEN_UNKNOWN},
    {"a dot too few", OCTETS("e30.eyJleHAiOjF9"), TOKEN_UNKNOWN},
    {"no header", OCTETS(".eyJleHAiOjF9.c2ln"), TOKEN_UNKNOWN},
    {"no payload", OCTETS("e30..c2ln"), TOKEN_UNKNOWN},
    {"opaque", OCTETS("2YotnFZFEjr1zCsicMWpAA"), TOKEN_UNKNOWN},
    {"dots", OCTETS(".."), TOKEN_UNKNOWN},
    {"a dot", OCTETS("."), TOKEN_UNKNOWN},
    {"nothing", OCTETS(""), TOKEN_UNKNOWN},
};

static void check_jwt(const void *at)
{
    const struct jwt_row *row = at;

    check_number("exp", token_jwt_expires(guarded(row->token)), row->expires);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROWS(response_rows, check_response),
        TEST(test_deep),
        ROWS(error_rows, check_error),
        ROWS(jwt_rows, check_jwt),
    };

    token_response_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
