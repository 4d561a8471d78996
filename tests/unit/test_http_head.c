/* Tests of http_head: every head is given whole, octet by octet and in two pieces, at moving
 * addresses and up to the very end of memory; the verdict must not depend on it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http_head.h"
#include "support.h"

static const struct http_limits small_limits = {.head_bytes = 200, .target_bytes = 40, .fields = 4};

/* ---- ways to give a head ---- */

struct outcome {
    enum http_progress progress;
    struct http_head head;
};

/* Gives the first len octets: at a new place each time. */
static void give(struct outcome *outcome, struct slice in, size_t len)
{
    if (outcome->progress != HTTP_PARTIAL)
        return;
    struct slice octets = guarded((struct slice){in.at, len});
    outcome->progress = http_head_parse(&outcome->head, octets.at, octets.len);
}

static struct outcome begin(enum http_kind kind, struct http_limits limits)
{
    struct outcome outcome = {.progress = HTTP_PARTIAL};

    http_head_init(&outcome.head, kind, limits);
    return outcome;
}

static void check_same(const char *way, const struct outcome *got, const struct outcome *whole)
{
    if (!check(got->progress == whole->progress, "%s: progress %d, not %d", way, (int)got->progress,
               (int)whole->progress))
        return;
    check_number(way, got->head.seen, whole->head.seen);
    if (got->progress == HTTP_BAD)
        check(got->head.fault.status == whole->head.fault.status, "%s: status %u, not %u", way,
              got->head.fault.status, whole->head.fault.status);
    if (got->progress != HTTP_COMPLETE)
        return;
    check_number(way, got->head.length, whole->head.length);
    check_octets(way, got->head.fields, whole->head.fields);
    check_octets(way, got->head.method, whole->head.method);
    check_octets(way, got->head.target, whole->head.target);
    check_octets(way, got->head.reason, whole->head.reason);
    check_number(way, got->head.status, whole->head.status);
    check_number(way, got->head.minor, whole->head.minor);
}

static void check_octet_by_octet(struct slice in, const struct outcome *whole)
{
    struct outcome moving = begin(whole->head.kind, whole->head.limits);
    struct outcome still = moving;

    for (size_t len = 0; len <= in.len; len++) {
        give(&moving, in, len);
        if (still.progress == HTTP_PARTIAL)
            still.progress = http_head_parse(&still.head, in.at, len);
    }
    check_same("octet by octet", &moving, whole);
    check_same("octet by octet in place", &still, whole);
}

static void check_in_two(struct slice in, const struct outcome *whole)
{
    for (size_t first = 0; first <= in.len; first++) {
        struct outcome outcome = begin(whole->head.kind, whole->head.limits);
        give(&outcome, in, first);
        give(&outcome, in, in.len);
        check_same(text_of("in two at %zu", first), &outcome, whole);
    }
}

/* Parses whole, compares with all other ways. The slices are valid until the row ends. */
static struct outcome parse(enum http_kind kind, struct http_limits limits, struct slice in)
{
    struct outcome whole = begin(kind, limits);
    char *copy = malloc(in.len + 1); /* where no guarded copy writes over it */

    defer(free, copy);
    memcpy(copy, in.at, in.len);
    in.at = copy;
    whole.progress = http_head_parse(&whole.head, in.at, in.len);
    struct outcome at_end = begin(kind, limits);
    give(&at_end, in, in.len);
    check_same("at the end of memory", &at_end, &whole);
    check_octet_by_octet(in, &whole);
    check_in_two(in, &whole);
    return whole;
}

/* 0 for a complete head, 1 for a partial one, else the status of its refusal. */
#define COMPLETE 0u
#define PARTIAL  1u

static void check_verdict(const struct outcome *outcome, unsigned expected)
{
    unsigned got = outcome->progress == HTTP_PARTIAL    ? PARTIAL
                   : outcome->progress == HTTP_COMPLETE ? COMPLETE
                                                        : outcome->head.fault.status;

    check(got == expected, "verdict %u (%s), not %u", got,
          got > PARTIAL ? outcome->head.fault.detail : "", expected);
    if (got <= PARTIAL)
        return;
    check(outcome->head.fault.detail != NULL, "no detail");
    if (outcome->head.kind == HTTP_REQUEST)
        check_number("too large", outcome->head.is_too_large, got == 431);
}

struct verdict_row {
    const char *name;
    struct slice in;
    unsigned verdict;
};

static void check_request(const void *at)
{
    const struct verdict_row *row = at;
    struct outcome outcome = parse(HTTP_REQUEST, small_limits, row->in);

    check_verdict(&outcome, row->verdict);
}

static void check_response(const void *at)
{
    const struct verdict_row *row = at;
    struct outcome outcome = parse(HTTP_RESPONSE, small_limits, row->in);

    check_verdict(&outcome, row->verdict);
}

/* ---- requests ---- */

#define LINE "GET / HTTP/1.1\r\n"

static const struct verdict_row request_rows[] = {
    {"no field", OCTETS(LINE "\r\n"), COMPLETE},
    {"one field", OCTETS(LINE "Host: a\r\n\r\n"), COMPLETE},
    {"octets behind the head", OCTETS(LINE "\r\n\0\n\r rest"), COMPLETE},
    {"nothing", OCTETS(""), PARTIAL},
    {"part of the request line", OCTETS("GET / HT"), PARTIAL},
    {"request line without its LF", OCTETS("GET / HTTP/1.1\r"), PARTIAL},
    {"part of a field", OCTETS(LINE "Host"), PARTIAL},
    {"all but the last LF", OCTETS(LINE "Host: a\r\n\r"), PARTIAL},

    {"one empty line before (2.2)", OCTETS("\r\n" LINE "\r\n"), COMPLETE},
    {"two empty lines before (2.2)", OCTETS("\r\n\r\n" LINE "\r\n"), COMPLETE},
    {"three empty lines before (2.2)", OCTETS("\r\n\r\n\r\n" LINE "\r\n"), 400},
    {"only empty lines", OCTETS("\r\n\r\n"), PARTIAL},
    {"empty line of LF (2.2)", OCTETS("\n" LINE "\r\n"), 400},
    {"empty line of CR (2.2)", OCTETS("\r" LINE "\r\n"), 400},
    {"empty line with a space", OCTETS(" \r\n" LINE "\r\n"), 400},

    {"LF ends the request line (2.2)", OCTETS("GET / HTTP/1.1\nHost: a\r\n\r\n"), 400},
    {"LF ends a field (2.2)", OCTETS(LINE "Host: a\n\r\n"), 400},
    {"LF ends the head (2.2)", OCTETS(LINE "Host: a\r\n\n"), 400},
    {"CR CR LF ends the request line", OCTETS("GET / HTTP/1.1\r\r\n\r\n"), 400},
    {"CR CR LF ends a field", OCTETS(LINE "Host: a\r\r\n\r\n"), 400},
    {"CR CR LF ends the head", OCTETS(LINE "\r\r\n"), 400},
    {"CR ends a field", OCTETS(LINE "Host: a\rB: c\r\n\r\n"), 400},

    {"white space before the first field (2.2)", OCTETS(LINE " Host: a\r\n\r\n"), 400},
    {"tab before the first field (2.2)", OCTETS(LINE "\tHost: a\r\n\r\n"), 400},
    {"folded with a space (5.2)", OCTETS(LINE "A: b\r\n c\r\n\r\n"), 400},
    {"folded with a tab (5.2)", OCTETS(LINE "A: b\r\n\tc\r\n\r\n"), 400},
    {"folded with a colon (5.2)", OCTETS(LINE "A: b\r\n C: d\r\n\r\n"), 400},
    {"line of white space ends the head (5.2)", OCTETS(LINE "A: b\r\n \r\n\r\n"), 400},
    {"space before the colon (5.1)", OCTETS(LINE "Host : a\r\n\r\n"), 400},
    {"tab before the colon (5.1)", OCTETS(LINE "Host\t: a\r\n\r\n"), 400},
    {"empty name (5)", OCTETS(LINE ": a\r\n\r\n"), 400},
    {"no colon (5)", OCTETS(LINE "Host\r\n\r\n"), 400},
    {"name with a space (0:5.1)", OCTETS(LINE "Ho st: a\r\n\r\n"), 400},
    {"name in quotes (0:5.1)", OCTETS(LINE "\"Host\": a\r\n\r\n"), 400},
    {"name with obs-text (0:5.1)", OCTETS(LINE "H\xF6st: a\r\n\r\n"), 400},
    {"name with a slash (0:5.1)", OCTETS(LINE "Ho/st: a\r\n\r\n"), 400},
    {"empty value (0:5.5)", OCTETS(LINE "A:\r\n\r\n"), COMPLETE},
    {"obs-text in a value (0:5.5)", OCTETS(LINE "A: \x80\xFF\r\n\r\n"), COMPLETE},
    {"tab in a value (0:5.5)", OCTETS(LINE "A: \tb\tc\t\r\n\r\n"), COMPLETE},
    {"colon in a value", OCTETS(LINE "A::b:\r\n\r\n"), COMPLETE},

    {"method of 32 octets (3)", OCTETS("MMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMM / HTTP/1.1\r\n\r\n"),
     COMPLETE},
    {"method of 33 octets (3)", OCTETS("MMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMM / HTTP/1.1\r\n\r\n"),
     501},
    {"method of 33 octets and no more yet", OCTETS("MMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMM"), 501},
    {"method of 32 octets and no more yet", OCTETS("MMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMM"), PARTIAL},
    {"unknown method (0:9.1)", OCTETS("BREW / HTTP/1.1\r\n\r\n"), COMPLETE},
    {"method in small letters (0:9.1)", OCTETS("get / HTTP/1.1\r\n\r\n"), COMPLETE},
    {"method of all tokens (0:5.6.2)", OCTETS("!#$%&'*+-.^_`|~0aZ / HTTP/1.1\r\n\r\n"), COMPLETE},
    {"no method (3)", OCTETS(" / HTTP/1.1\r\n\r\n"), 400},
    {"method with a slash (3)", OCTETS("G/T / HTTP/1.1\r\n\r\n"), 400},
    {"method with a colon (3)", OCTETS("GET: / HTTP/1.1\r\n\r\n"), 400},
    {"method with obs-text (3)", OCTETS("G\xC4T / HTTP/1.1\r\n\r\n"), 400},
    {"a field instead of a request line (3)", OCTETS("Host: a\r\n\r\n"), 400},
    {"method alone (3)", OCTETS("GET\r\n\r\n"), 400},
    {"method and a space (3)", OCTETS("GET \r\n\r\n"), 400},
    {"HTTP/0.9 (3)", OCTETS("GET /\r\n\r\n"), 400},
    {"no version, but a space (3)", OCTETS("GET / \r\n\r\n"), 400},
    {"two spaces before the target (3)", OCTETS("GET  / HTTP/1.1\r\n\r\n"), 400},
    {"two spaces before the version (3)", OCTETS("GET /  HTTP/1.1\r\n\r\n"), 400},
    {"space behind the version (3)", OCTETS("GET / HTTP/1.1 \r\n\r\n"), 400},
    {"space in the target (3)", OCTETS("GET /a b HTTP/1.1\r\n\r\n"), 400},
    {"tabs for spaces (3)", OCTETS("GET\t/\tHTTP/1.1\r\n\r\n"), 400},
    {"target of 40 octets (3)",
     OCTETS("GET /234567890123456789012345678901234567890 HTTP/1.1"
            "\r\n\r\n"),
     COMPLETE},
    {"target of 41 octets (3)",
     OCTETS("GET /2345678901234567890123456789012345678901 HTTP/1.1"
            "\r\n\r\n"),
     414},
    {"target of 41 octets and no more yet", OCTETS("GET /2345678901234567890123456789012345678901"),
     414},
    {"target of 40 octets and no more yet", OCTETS("GET /234567890123456789012345678901234567890"),
     PARTIAL},
    {"target of 40 octets behind a long method",
     OCTETS("MMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMM /234567890123456789012345678901234567890 HTTP/1.1"
            "\r\n\r\n"),
     COMPLETE},

    {"version 1.0 (2.3)", OCTETS("GET / HTTP/1.0\r\n\r\n"), COMPLETE},
    {"version 1.2 (2.3)", OCTETS("GET / HTTP/1.2\r\n\r\n"), COMPLETE},
    {"version 1.9 (2.3)", OCTETS("GET / HTTP/1.9\r\n\r\n"), COMPLETE},
    {"version 2.0 (0:6.2)", OCTETS("GET / HTTP/2.0\r\n\r\n"), 505},
    {"version 0.9 (0:6.2)", OCTETS("GET / HTTP/0.9\r\n\r\n"), 505},
    {"version 9.9 (0:6.2)", OCTETS("GET / HTTP/9.9\r\n\r\n"), 505},
    {"preface of HTTP/2 (RFC 9113 3.4)", OCTETS("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505},
    {"version in small letters (2.3)", OCTETS("GET / http/1.1\r\n\r\n"), 400},
    {"version of another protocol (2.3)", OCTETS("GET / HTTX/1.1\r\n\r\n"), 400},
    {"version of two digits (2.3)", OCTETS("GET / HTTP/1.10\r\n\r\n"), 400},
    {"version of two digits before the point", OCTETS("GET / HTTP/11.1\r\n\r\n"), 400},
    {"version without a minor number (2.3)", OCTETS("GET / HTTP/1\r\n\r\n"), 400},
    {"version without a number (2.3)", OCTETS("GET / HTTP/\r\n\r\n"), 400},
    {"version with a comma (2.3)", OCTETS("GET / HTTP/1,1\r\n\r\n"), 400},
    {"version with a letter (2.3)", OCTETS("GET / HTTP/1.x\r\n\r\n"), 400},
    {"version with a sign (2.3)", OCTETS("GET / HTTP/+.1\r\n\r\n"), 400},

    {"4 fields", OCTETS(LINE "A:\r\nB:\r\nC:\r\nD:\r\n\r\n"), COMPLETE},
    {"5 fields (0:5.4)", OCTETS(LINE "A:\r\nB:\r\nC:\r\nD:\r\nE:\r\n\r\n"), 431},
    {"a TLS hello", OCTETS("\x16\x03\x01\x02\0\x01\0\x01\xFC\x03\x03"), 400},
    {"NUL first", OCTETS("\0"), 400},
};

/* Two faults in one head: either status would do, but not one that depends on how the octets
 * come. Whichever an earlier octet shows is what a slow sender gets. */
static const struct verdict_row twofold_rows[] = {
    {"long method that is no token further on",
     OCTETS("MMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMM@ / HTTP/1.1\r\n\r\n"), 501},
    {"long method and no target", OCTETS("MMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMM\r\n\r\n"), 501},
    {"long method and a control octet",
     OCTETS("MMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMM /\x01 HTTP/1.1\r\n\r\n"), 501},
    {"long target and no version", OCTETS("GET /2345678901234567890123456789012345678901\r\n\r\n"),
     414},
    {"long target and a control octet",
     OCTETS("GET /2345678901234567890123456789012345678901\x01 HTTP/1.1\r\n\r\n"), 414},
    {"long target and a bare LF",
     OCTETS("GET /2345678901234567890123456789012345678901 HTTP/1.1\n\r\n"), 414},
};

/* One fault only: the target is not over its limit, the CR is no part of it. */
static const struct verdict_row edge_rows[] = {
    {"target of 40 octets and no version (3)",
     OCTETS("GET /234567890123456789012345678901234567890\r\n\r\n"), 400},
    {"method of 32 octets and no target (3)", OCTETS("MMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMM\r\n\r\n"),
     400},
};

/* ---- control octets, in each place ---- */

struct place_row {
    const char *name;
    const char *pattern; /* with ? for the octet */
    const char *allowed; /* of the control octets */
};

static const struct place_row request_places[] = {
    {"before the method", "?GET / HTTP/1.1\r\nA: b\r\n\r\n", ""},
    {"in the method", "G?T / HTTP/1.1\r\nA: b\r\n\r\n", ""},
    {"behind the method", "GET? / HTTP/1.1\r\nA: b\r\n\r\n", ""},
    {"for the first space", "GET?/ HTTP/1.1\r\nA: b\r\n\r\n", ""},
    {"in the target", "GET /a?b HTTP/1.1\r\nA: b\r\n\r\n", "\t"}, /* refused with the target */
    {"behind the target", "GET /? HTTP/1.1\r\nA: b\r\n\r\n", "\t"},
    {"for the second space", "GET /?HTTP/1.1\r\nA: b\r\n\r\n", ""},
    {"before the version", "GET / ?HTTP/1.1\r\nA: b\r\n\r\n", ""},
    {"in the version", "GET / HTTP?1.1\r\nA: b\r\n\r\n", ""},
    {"behind the version", "GET / HTTP/1.1?\r\nA: b\r\n\r\n", ""},
    {"before a name", "GET / HTTP/1.1\r\n?A: b\r\n\r\n", ""},
    {"in a name", "GET / HTTP/1.1\r\nA?A: b\r\n\r\n", ""},
    {"for a name", "GET / HTTP/1.1\r\n?: b\r\n\r\n", ""},
    {"behind a name", "GET / HTTP/1.1\r\nA?: b\r\n\r\n", ""},
    {"for the colon", "GET / HTTP/1.1\r\nA? b\r\n\r\n", ""},
    {"behind the colon", "GET / HTTP/1.1\r\nA:?b\r\n\r\n", "\t"},
    {"in a value", "GET / HTTP/1.1\r\nA: b?b\r\n\r\n", "\t"},
    {"behind a value", "GET / HTTP/1.1\r\nA: b?\r\n\r\n", "\t"},
    {"for a CR", "GET / HTTP/1.1\r\nA: b?\n\r\n", "\r"},
    {"for an LF", "GET / HTTP/1.1\r\nA: b\r?\r\n", "\n"},
    {"before the empty line", "GET / HTTP/1.1\r\nA: b\r\n?\r\n", ""},
    {"in the empty line", "GET / HTTP/1.1\r\nA: b\r\n\r?\n", "\n"}, /* which is not looked at */
};

#define ALL_BUT_CR_LF_NUL                                                                          \
    "\x01\x02\x03\x04\x05\x06\x07\x08\t\x0B\x0C\x0E\x0F\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19"   \
    "\x1A\x1B\x1C\x1D\x1E\x1F\x7F"

/* What a target sends is only kept from being read in two ways (0:5.5). */
static const struct place_row response_places[] = {
    {"before the version", "?HTTP/1.1 200 OK\r\nA: b\r\n\r\n", ""},
    {"in the version", "HTTP/1?1 200 OK\r\nA: b\r\n\r\n", ""},
    {"for the first space", "HTTP/1.1?200 OK\r\nA: b\r\n\r\n", ""},
    {"in the status code", "HTTP/1.1 2?0 OK\r\nA: b\r\n\r\n", ""},
    {"for the second space", "HTTP/1.1 200?OK\r\nA: b\r\n\r\n", ""},
    {"in the reason", "HTTP/1.1 200 O?K\r\nA: b\r\n\r\n", ALL_BUT_CR_LF_NUL},
    {"before a name", "HTTP/1.1 200 OK\r\n?A: b\r\n\r\n", ""},
    {"in a name", "HTTP/1.1 200 OK\r\nA?A: b\r\n\r\n", ""},
    {"behind a name", "HTTP/1.1 200 OK\r\nA?: b\r\n\r\n", ""},
    {"behind the colon", "HTTP/1.1 200 OK\r\nA:?b\r\n\r\n", ALL_BUT_CR_LF_NUL},
    {"in a value", "HTTP/1.1 200 OK\r\nA: b?b\r\n\r\n", ALL_BUT_CR_LF_NUL},
    {"behind a value", "HTTP/1.1 200 OK\r\nA: b?\r\n\r\n", ALL_BUT_CR_LF_NUL},
    {"for an LF", "HTTP/1.1 200 OK\r\nA: b\r?\r\n", "\n"},
    {"before the empty line", "HTTP/1.1 200 OK\r\nA: b\r\n?\r\n", ""},
};

static void check_place(const struct place_row *row, enum http_kind kind, unsigned refusal)
{
    for (int octet = 0; octet < 0x80; octet++) {
        if (octet == 0x20)
            octet = 0x7F;
        bool allowed = octet != 0 && strchr(row->allowed, octet) != NULL;
        struct outcome outcome = parse(kind, small_limits, with_octet(row->pattern, (char)octet));
        unsigned status = outcome.progress == HTTP_BAD ? outcome.head.fault.status : 0;
        check(outcome.progress == (allowed ? HTTP_COMPLETE : HTTP_BAD), "octet 0x%02x: progress %d",
              (unsigned)octet, (int)outcome.progress);
        check(status == (allowed ? 0 : refusal), "octet 0x%02x: status %u", (unsigned)octet,
              status);
    }
}

static void check_request_place(const void *row)
{
    check_place(row, HTTP_REQUEST, 400);
}

static void check_response_place(const void *row)
{
    check_place(row, HTTP_RESPONSE, 502);
}

/* ---- control octets at each place of a long run, whatever octets it has ---- */

#define RUN_BYTES 26

static void check_run(const char *before, char filling, size_t at, const char *behind)
{
    char pattern[80];
    char run[RUN_BYTES + 1] = {0};
    struct place_row row = {.pattern = pattern, .allowed = "\t"};

    memset(run, filling, RUN_BYTES);
    run[at] = '?';
    snprintf(pattern, sizeof pattern, "%s%s%s\r\n\r\n", before, run, behind);
    check_request_place(&row);
}

static void test_long_runs(void)
{
    const char fillings[] = {'a', ' ', '\x7E', '\x80', '\x9F', '\xFF'};

    for (size_t at = 0; at < RUN_BYTES; at++) {
        check_run("GET /", 'a', at, " HTTP/1.1\r\nA: b");
        for (size_t i = 0; i < sizeof fillings; i++)
            check_run("GET / HTTP/1.1\r\nA: ", fillings[i], at, "");
    }
}

/* ---- limits in bytes: the head's first octets, so many letters, its end ---- */

static const struct limit_row {
    const char *name, *before, *behind;
    size_t bytes; /* of the whole head */
    unsigned verdict;
} limit_rows[] = {
    {"200 bytes", LINE "A: ", "\r\n\r\n", 200, COMPLETE},
    {"201 bytes (0:5.4)", LINE "A: ", "\r\n\r\n", 201, 431},
    {"200 bytes and content", LINE "A: ", "\r\n\r\ncontent", 207, COMPLETE},
    {"200 bytes with empty lines", "\r\n\r\n" LINE "A: ", "\r\n\r\n", 200, COMPLETE},
    {"201 bytes with empty lines", "\r\n\r\n" LINE "A: ", "\r\n\r\n", 201, 431},
    {"200 bytes that are not all", LINE "A: ", "", 200, PARTIAL},
    {"201 bytes that are not all", LINE "A: ", "", 201, 431},
    {"200 bytes without the last LF", LINE "A: ", "\r\n\r", 200, PARTIAL},
    {"201 bytes without the last LF", LINE "A: ", "\r\n\r", 201, 431},
    {"a field that ends within, the head does not", LINE "A: ", "\r\n", 200, PARTIAL},
    {"name without an end", LINE, "", 201, 431},
};

static const struct limit_row twofold_limit_rows[] = {
    {"long head and a control octet", LINE "A: ", "\x01\r\n\r\n", 206, 431},
    {"long head and a bare LF", LINE "A: ", "\n\r\n", 204, 431},
    {"long head and a bare CR", LINE "A: ", "\rb", 203, 431},
};

static void check_limit(const void *at)
{
    const struct limit_row *row = at;
    size_t fill = row->bytes - strlen(row->before) - strlen(row->behind);
    const char *in = text_of("%s%s%s", row->before, letters(fill), row->behind);
    struct outcome outcome = parse(HTTP_REQUEST, small_limits, slice_of(in));

    check_verdict(&outcome, row->verdict);
}

/* The limits that the configuration has by default, given whole. */
static void test_large_limits(void)
{
    const struct http_limits limits = {65536, 16384, 200};
    struct outcome outcome = begin(HTTP_REQUEST, limits);
    const char *target = text_of("GET /%s HTTP/1.1\r\n\r\n", letters(16383));
    outcome.progress = http_head_parse(&outcome.head, target, strlen(target));
    check_verdict(&outcome, COMPLETE);
    check_number("target", outcome.head.target.len, 16384);

    outcome = begin(HTTP_REQUEST, limits);
    target = text_of("GET /%s HTTP/1.1\r\n\r\n", letters(16384));
    outcome.progress = http_head_parse(&outcome.head, target, strlen(target));
    check_verdict(&outcome, 414);

    outcome = begin(HTTP_REQUEST, limits);
    const char *field = text_of(LINE "A: %s\r\n\r\n", letters(65536 - 16 - 3 - 4));
    outcome.progress = http_head_parse(&outcome.head, field, strlen(field));
    check_verdict(&outcome, COMPLETE);
    check_number("length", outcome.head.length, 65536);
}

/* ---- responses ---- */

static const struct verdict_row response_rows[] = {
    {"usual (4)", OCTETS("HTTP/1.1 200 OK\r\nA: b\r\n\r\n"), COMPLETE},
    {"no fields", OCTETS("HTTP/1.1 200 OK\r\n\r\n"), COMPLETE},
    {"no reason (4)", OCTETS("HTTP/1.1 200 \r\n\r\n"), COMPLETE},
    {"no reason and no space", OCTETS("HTTP/1.1 200\r\n\r\n"), COMPLETE},
    {"reason of many words (4)", OCTETS("HTTP/1.1 404 Not \t Found\r\n\r\n"), COMPLETE},
    {"reason with obs-text (4)", OCTETS("HTTP/1.1 200 \xE4\r\n\r\n"), COMPLETE},
    {"version 1.0", OCTETS("HTTP/1.0 200 OK\r\n\r\n"), COMPLETE},
    {"version 1.2", OCTETS("HTTP/1.2 200 OK\r\n\r\n"), COMPLETE},
    {"lowest status (0:15)", OCTETS("HTTP/1.1 100 x\r\n\r\n"), COMPLETE},
    {"highest status", OCTETS("HTTP/1.1 999 x\r\n\r\n"), COMPLETE},
    {"status below 100", OCTETS("HTTP/1.1 099 x\r\n\r\n"), 502},
    {"status of two digits", OCTETS("HTTP/1.1 20 OK\r\n\r\n"), 502},
    {"status of two digits alone", OCTETS("HTTP/1.1 20\r\n\r\n"), 502},
    {"status of four digits", OCTETS("HTTP/1.1 2000 OK\r\n\r\n"), 502},
    {"status of four digits alone", OCTETS("HTTP/1.1 2000\r\n\r\n"), 502},
    {"status with a letter", OCTETS("HTTP/1.1 2x0 OK\r\n\r\n"), 502},
    {"status with a sign", OCTETS("HTTP/1.1 +20 OK\r\n\r\n"), 502},
    {"no status", OCTETS("HTTP/1.1\r\n\r\n"), 502},
    {"two spaces before the status", OCTETS("HTTP/1.1  200 OK\r\n\r\n"), 502},
    {"tab before the status", OCTETS("HTTP/1.1\t200 OK\r\n\r\n"), 502},
    {"tab behind the status", OCTETS("HTTP/1.1 200\tOK\r\n\r\n"), 502},
    {"version 2.0", OCTETS("HTTP/2.0 200 OK\r\n\r\n"), 502},
    {"version without a minor number", OCTETS("HTTP/2 200 OK\r\n\r\n"), 502},
    {"version in small letters", OCTETS("http/1.1 200 OK\r\n\r\n"), 502},
    {"another protocol", OCTETS("ICY 200 OK\r\n\r\n"), 502},
    {"SSH", OCTETS("SSH-2.0-OpenSSH_9.2\r\n\r\n"), 502},
    {"a request", OCTETS("GET / HTTP/1.1\r\n\r\n"), 502},
    {"content alone", OCTETS("<html>\r\n"), 502},
    {"empty line before", OCTETS("\r\nHTTP/1.1 200 OK\r\n\r\n"), 502},
    {"LF ends the status line", OCTETS("HTTP/1.1 200 OK\n\r\n"), 502},
    {"LF ends a field", OCTETS("HTTP/1.1 200 OK\r\nA: b\n\r\n"), 502},
    {"LF ends the head", OCTETS("HTTP/1.1 200 OK\r\nA: b\r\n\n"), 502},
    {"folded (5.2)", OCTETS("HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n"), 502},
    {"white space before the first field", OCTETS("HTTP/1.1 200 OK\r\n A: b\r\n\r\n"), 502},
    {"space before the colon (5.1)", OCTETS("HTTP/1.1 200 OK\r\nA : b\r\n\r\n"), 502},
    {"no colon", OCTETS("HTTP/1.1 200 OK\r\nA\r\n\r\n"), 502},
    {"empty name", OCTETS("HTTP/1.1 200 OK\r\n: b\r\n\r\n"), 502},
    {"obs-text in a name", OCTETS("HTTP/1.1 200 OK\r\n\xC4: b\r\n\r\n"), 502},
    {"4 fields", OCTETS("HTTP/1.1 200 OK\r\nA:\r\nB:\r\nC:\r\nD:\r\n\r\n"), COMPLETE},
    {"5 fields", OCTETS("HTTP/1.1 200 OK\r\nA:\r\nB:\r\nC:\r\nD:\r\nE:\r\n\r\n"), 502},
    {"nothing", OCTETS(""), PARTIAL},
    {"part of the status line", OCTETS("HTTP/1.1 2"), PARTIAL},
    {"long reason, no target or method",
     OCTETS("HTTP/1.1 200 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
     PARTIAL},
};

/* The cause of a 502 is told from its kind. */
static const struct size_row {
    const char *name, *fields;
    size_t letters; /* in a field of their own */
    unsigned verdict;
    bool is_too_large;
} size_rows[] = {
    {"200 bytes", "", 200 - 24, COMPLETE, false},
    {"201 bytes", "", 201 - 24, 502, true},
    {"4 fields", "B:\r\nC:\r\nD:\r\n", 1, COMPLETE, false},
    {"5 fields", "B:\r\nC:\r\nD:\r\nE:\r\n", 1, 502, true},
    {"a broken field", "B\r\n", 1, 502, false},
};

static void check_size(const void *at)
{
    const struct size_row *row = at;
    const char *in =
        text_of("HTTP/1.1 200 OK\r\n%sA: %s\r\n\r\n", row->fields, letters(row->letters));
    struct outcome outcome = parse(HTTP_RESPONSE, small_limits, slice_of(in));

    check_verdict(&outcome, row->verdict);
    check_number("too large", outcome.head.is_too_large, row->is_too_large);
}

/* ---- what a complete head says ---- */

static const struct request_row {
    const char *name;
    struct slice in;
    const char *method, *target;
    unsigned minor;
    const char *fields;
    size_t left; /* octets behind the head */
} meaning_rows[] = {
    {"no fields", OCTETS("GET / HTTP/1.1\r\n\r\n"), "GET", "/", 1, "", 0},
    {"fields as they came", OCTETS("PUT /a?b HTTP/1.0\r\nA:  b \r\nb:c\r\n\r\n"), "PUT", "/a?b", 0,
     "A:  b \r\nb:c\r\n", 0},
    {"content behind", OCTETS("POST * HTTP/1.9\r\nA: b\r\n\r\nGET"), "POST", "*", 9, "A: b\r\n", 3},
    {"empty lines before", OCTETS("\r\n\r\nGET / HTTP/1.1\r\nA: b\r\n\r\n"), "GET", "/", 1,
     "A: b\r\n", 0},
    {"empty target, refused elsewhere", OCTETS("GET  HTTP/1.1\r\n\r\n"), "GET", "", 1, "", 0},
};

static void check_meaning(const void *at)
{
    const struct request_row *row = at;
    struct outcome outcome = parse(HTTP_REQUEST, small_limits, row->in);

    check_verdict(&outcome, COMPLETE);
    if (outcome.progress != HTTP_COMPLETE)
        return;
    check_octets("method", outcome.head.method, slice_of(row->method));
    check_octets("target", outcome.head.target, slice_of(row->target));
    check_number("minor", outcome.head.minor, row->minor);
    check_octets("fields", outcome.head.fields, slice_of(row->fields));
    check_number("length", outcome.head.length, row->in.len - row->left);
}

static const struct status_row {
    const char *name;
    struct slice in;
    unsigned status, minor;
    const char *reason;
} status_rows[] = {
    {"usual", OCTETS("HTTP/1.1 200 OK\r\n\r\n"), 200, 1, "OK"},
    {"no reason", OCTETS("HTTP/1.0 404 \r\n\r\n"), 404, 0, ""},
    {"no reason and no space", OCTETS("HTTP/1.1 204\r\n\r\n"), 204, 1, ""},
    {"reason of one octet", OCTETS("HTTP/1.1 200 a\r\n\r\n"), 200, 1, "a"},
    {"reason with spaces around", OCTETS("HTTP/1.1 999  a  b \r\n\r\n"), 999, 1, " a  b "},
};

static void check_status(const void *at)
{
    const struct status_row *row = at;
    struct outcome outcome = parse(HTTP_RESPONSE, small_limits, row->in);

    check_verdict(&outcome, COMPLETE);
    check_number("status", outcome.head.status, row->status);
    check_number("minor", outcome.head.minor, row->minor);
    check_octets("reason", outcome.head.reason, slice_of(row->reason));
}

/* ---- whether a head has begun: what a time-out means depends on it ---- */

static const struct begun_row {
    const char *name, *in;
    bool begun;
} begun_rows[] = {
    {"nothing", "", false},
    {"an empty line", "\r\n", false},
    {"two empty lines", "\r\n\r\n", false},
    {"half an empty line", "\r", false},
    {"one octet", "G", true},
    {"behind an empty line", "\r\nG", true},
    {"the request line", LINE, true},
    {"fields", LINE "A: b\r\n", true},
};

static void check_begun(const void *at)
{
    const struct begun_row *row = at;
    struct outcome outcome = parse(HTTP_REQUEST, small_limits, slice_of(row->in));

    check_verdict(&outcome, PARTIAL);
    check_number("begun", http_head_has_begun(&outcome.head), row->begun);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROWS(request_rows, check_request),
        ROWS(edge_rows, check_request),
        ROWS(twofold_rows, check_request),
        ROWS(request_places, check_request_place),
        TEST(test_long_runs),
        ROWS(limit_rows, check_limit),
        ROWS(twofold_limit_rows, check_limit),
        TEST(test_large_limits),
        ROWS(response_rows, check_response),
        ROWS(response_places, check_response_place),
        ROWS(size_rows, check_size),
        ROWS(meaning_rows, check_meaning),
        ROWS(status_rows, check_status),
        ROWS(begun_rows, check_begun),
    };

    return cmocka_run_group_tests_name("http_head", tests, NULL, NULL);
}
