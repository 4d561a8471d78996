/* Tests of http_body: the framing fields, and the chunked coding given whole, octet by octet and in
 * two pieces, up to the very end of memory (RFC 9112 6, 7). */
#include <stdlib.h>
#include <string.h>

#include "http_body.h"
#include "support.h"

/* ---- the framing fields ---- */

static const struct framing_row {
    const char *name;
    struct slice fields;
    unsigned minor;
    unsigned status; /* 0: valid */
    bool has_length, has_coding;
    unsigned long long length;
} framing_rows[] = {
    {"none", OCTETS("Host: a\r\n"), 1, 0, false, false, 0},
    {"no fields", OCTETS(""), 1, 0, false, false, 0},
    {"length", OCTETS("Content-Length: 5\r\n"), 1, 0, true, false, 5},
    {"length in 1.0", OCTETS("Content-Length: 5\r\n"), 0, 0, true, false, 5},
    {"length in small letters", OCTETS("content-length:5\r\n"), 1, 0, true, false, 5},
    {"length of zero", OCTETS("Content-Length: 0\r\n"), 1, 0, true, false, 0},
    {"length with leading zeros", OCTETS("Content-Length: 0005\r\n"), 1, 0, true, false, 5},
    {"length with white space around", OCTETS("Content-Length: \t5 \t\r\n"), 1, 0, true, false, 5},
    {"length of 2^63 - 1", OCTETS("Content-Length: 9223372036854775807\r\n"), 1, 0, true, false,
     HTTP_LENGTH_MAX},
    {"identical copies (6.3, 0:8.6)", OCTETS("Content-Length: 5\r\nA: b\r\nContent-Length:5\r\n"),
     1, 0, true, false, 5},
    {"length of 2^63 (6.3)", OCTETS("Content-Length: 9223372036854775808\r\n"), 1, 400, 0, 0, 0},
    {"length of 2^64 (6.3)", OCTETS("Content-Length: 18446744073709551616\r\n"), 1, 400, 0, 0, 0},
    {"length of 2^64 + 5 (6.3)", OCTETS("Content-Length: 18446744073709551621\r\n"), 1, 400, 0, 0,
     0},
    {"empty length (0:8.6)", OCTETS("Content-Length:\r\n"), 1, 400, 0, 0, 0},
    {"plus (0:8.6)", OCTETS("Content-Length: +5\r\n"), 1, 400, 0, 0, 0},
    {"minus (0:8.6)", OCTETS("Content-Length: -5\r\n"), 1, 400, 0, 0, 0},
    {"hexadecimal (0:8.6)", OCTETS("Content-Length: 0x5\r\n"), 1, 400, 0, 0, 0},
    {"fraction (0:8.6)", OCTETS("Content-Length: 5.0\r\n"), 1, 400, 0, 0, 0},
    {"exponent (0:8.6)", OCTETS("Content-Length: 5e1\r\n"), 1, 400, 0, 0, 0},
    {"two words (0:8.6)", OCTETS("Content-Length: 5 5\r\n"), 1, 400, 0, 0, 0},
    {"list of the same (6.3)", OCTETS("Content-Length: 5, 5\r\n"), 1, 400, 0, 0, 0},
    {"list (6.3)", OCTETS("Content-Length: 5, 6\r\n"), 1, 400, 0, 0, 0},
    {"a comma at its end (6.3)", OCTETS("Content-Length: 5,\r\n"), 1, 400, 0, 0, 0},
    {"word (6.3)", OCTETS("Content-Length: five\r\n"), 1, 400, 0, 0, 0},
    {"differing copies (6.3)", OCTETS("Content-Length: 5\r\nContent-Length: 6\r\n"), 1, 400, 0, 0,
     0},
    {"copies in different forms (6.3)", OCTETS("Content-Length: 5\r\nContent-Length: 05\r\n"), 1,
     400, 0, 0, 0},
    {"second copy is bad (6.3)", OCTETS("Content-Length: 5\r\nContent-Length: x\r\n"), 1, 400, 0, 0,
     0},
    {"third copy differs (6.3)",
     OCTETS("Content-Length: 5\r\nContent-Length: 5\r\nContent-Length: 4\r\n"), 1, 400, 0, 0, 0},

    {"chunked", OCTETS("Transfer-Encoding: chunked\r\n"), 1, 0, false, true, 0},
    {"chunked in capitals (7)", OCTETS("transfer-encoding:CHUNKED\r\n"), 1, 0, false, true, 0},
    {"with Content-Length (6.1)", OCTETS("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), 1,
     400, 0, 0, 0},
    {"behind Content-Length (6.1)", OCTETS("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
     1, 400, 0, 0, 0},
    {"with a length of zero (6.1)", OCTETS("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n"),
     1, 400, 0, 0, 0},
    {"another coding with Content-Length (6.1)",
     OCTETS("Transfer-Encoding: gzip\r\nContent-Length: 5\r\n"), 1, 400, 0, 0, 0},
    {"empty coding with Content-Length (6.1)",
     OCTETS("Transfer-Encoding:\r\nContent-Length: 5\r\n"), 1, 400, 0, 0, 0},
    {"in 1.0 (6.1)", OCTETS("Transfer-Encoding: chunked\r\n"), 0, 400, 0, 0, 0},
    {"another coding in 1.0 (6.1)", OCTETS("Transfer-Encoding: gzip\r\n"), 0, 400, 0, 0, 0},
    {"twice (7.1)", OCTETS("Transfer-Encoding: chunked, chunked\r\n"), 1, 400, 0, 0, 0},
    {"twice in two fields (7.1)",
     OCTETS("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 1, 400, 0, 0, 0},
    {"not last (6.1)", OCTETS("Transfer-Encoding: chunked, gzip\r\n"), 1, 400, 0, 0, 0},
    {"not last in two fields (6.1)",
     OCTETS("Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n"), 1, 400, 0, 0, 0},
    {"a comma at its end", OCTETS("Transfer-Encoding: chunked,\r\n"), 1, 400, 0, 0, 0},
    {"a comma at its front", OCTETS("Transfer-Encoding: ,chunked\r\n"), 1, 400, 0, 0, 0},
    {"with a parameter (7.1)", OCTETS("Transfer-Encoding: chunked;a=b\r\n"), 1, 400, 0, 0, 0},
    {"in quotes", OCTETS("Transfer-Encoding: \"chunked\"\r\n"), 1, 400, 0, 0, 0},
    {"with a control octet",
     OCTETS("Transfer-Encoding: \x0B"
            "chunked\r\n"),
     1, 400, 0, 0, 0},
    {"empty", OCTETS("Transfer-Encoding:\r\n"), 1, 400, 0, 0, 0},
    {"gzip (6.1)", OCTETS("Transfer-Encoding: gzip\r\n"), 1, 501, 0, 0, 0},
    {"gzip, then chunked (6.1)", OCTETS("Transfer-Encoding: gzip, chunked\r\n"), 1, 501, 0, 0, 0},
    {"gzip, then chunked in two fields (6.1)",
     OCTETS("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"), 1, 501, 0, 0, 0},
    {"identity (6.1)", OCTETS("Transfer-Encoding: identity\r\n"), 1, 501, 0, 0, 0},
    {"begins as chunked (6.1)", OCTETS("Transfer-Encoding: chunkedx\r\n"), 1, 501, 0, 0, 0},
    {"another coding with a parameter (6.1, 7)", OCTETS("Transfer-Encoding: foo;a=b, chunked\r\n"),
     1, 501, 0, 0, 0},
};

static void check_framing(const void *at)
{
    const struct framing_row *row = at;
    struct http_framing_fields found;
    struct http_fault fault = {0, NULL};

    bool valid = http_framing_read(guarded(row->fields), row->minor, &found, &fault);
    check_number("status", valid ? 0 : fault.status, row->status);
    check(valid || fault.detail != NULL, "no detail");
    if (!valid || row->status != 0)
        return;
    check_number("has a length", found.has_length, row->has_length);
    check_number("has a coding", found.has_coding, row->has_coding);
    check(found.length == row->length, "length: came %llu, not %llu", found.length, row->length);
}

/* ---- ways to give a chunked body ---- */

#define TRAILER_LIMIT 40u

struct decoding {
    struct http_chunked chunked;
    enum http_chunk_part verdict; /* MORE, END or BAD */
    struct buffer *data, *trailers, *all;
    size_t taken;
};

static struct decoding begin(enum http_kind kind, size_t cap)
{
    struct decoding decoding = {.verdict = HTTP_CHUNK_MORE,
                                .data = new_buffer(cap),
                                .trailers = new_buffer(cap),
                                .all = new_buffer(cap)};

    http_chunked_init(&decoding.chunked, kind, TRAILER_LIMIT);
    return decoding;
}

static void note_part(struct decoding *decoding, enum http_chunk_part part, struct slice octets)
{
    check(octets.len > 0, "part %d takes nothing", (int)part);
    decoding->taken += octets.len;
    buffer_add(decoding->all, octets);
    if (part == HTTP_CHUNK_DATA)
        buffer_add(decoding->data, octets);
    if (part == HTTP_CHUNK_TRAILER)
        buffer_add(decoding->trailers, octets);
    if (part == HTTP_CHUNK_END)
        decoding->verdict = part;
}

/* Gives a piece, as it is taken. */
static void give(struct decoding *decoding, struct slice piece)
{
    piece = guarded(piece);
    while (decoding->verdict == HTTP_CHUNK_MORE) {
        size_t taken = 77;
        enum http_chunk_part part = http_chunked_take(&decoding->chunked, piece, &taken);
        if (part == HTTP_CHUNK_MORE || part == HTTP_CHUNK_BAD) {
            check_number("taken", taken, 0);
            check(part == HTTP_CHUNK_BAD || piece.len == 0, "octets are left");
            decoding->verdict = part;
            if (part == HTTP_CHUNK_MORE)
                return;
            break;
        }
        if (!check(taken <= piece.len, "more taken than given"))
            return;
        note_part(decoding, part, (struct slice){piece.at, taken});
        piece = (struct slice){piece.at + taken, piece.len - taken};
    }
}

static void check_same(const char *way, const struct decoding *got, const struct decoding *whole)
{
    if (!check(got->verdict == whole->verdict, "%s: verdict %d, not %d", way, (int)got->verdict,
               (int)whole->verdict))
        return;
    check_octets(way, buffer_content(got->data), buffer_content(whole->data));
    if (got->verdict == HTTP_CHUNK_BAD)
        return;
    check_octets(way, buffer_content(got->trailers), buffer_content(whole->trailers));
    check_octets(way, buffer_content(got->all), buffer_content(whole->all));
}

/* Gives the octets whole, then in all other ways, which must come to the same. */
static struct decoding decode(enum http_kind kind, struct slice in)
{
    struct decoding whole = begin(kind, in.len + 1);
    struct decoding octets = begin(kind, in.len + 1);

    give(&whole, in);
    for (size_t i = 0; i < in.len; i++)
        give(&octets, (struct slice){in.at + i, 1});
    check_same("octet by octet", &octets, &whole);
    for (size_t first = 0; first <= in.len; first++) {
        struct decoding two = begin(kind, in.len + 1);
        give(&two, (struct slice){in.at, first});
        give(&two, (struct slice){in.at + first, in.len - first});
        check_same(text_of("in two at %zu", first), &two, &whole);
    }
    check_octets("all parts together", buffer_content(whole.all),
                 (struct slice){in.at, whole.taken});
    return whole;
}

/* ---- chunked bodies ---- */

#define MORE HTTP_CHUNK_MORE
#define END  HTTP_CHUNK_END
#define BAD  HTTP_CHUNK_BAD

struct chunk_row {
    const char *name;
    struct slice in;
    enum http_chunk_part request, response; /* verdicts */
    struct slice data, trailers;
    size_t left; /* octets behind the body */
};

#define NONE OCTETS("")

static const struct chunk_row chunk_rows[] = {
    {"no chunk", OCTETS("0\r\n\r\n"), END, END, NONE, NONE, 0},
    {"one chunk", OCTETS("3\r\nabc\r\n0\r\n\r\n"), END, END, OCTETS("abc"), NONE, 0},
    {"two chunks", OCTETS("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"), END, END, OCTETS("abcde"), NONE, 0},
    {"chunk of 16", OCTETS("10\r\n0123456789abcdef\r\n0\r\n\r\n"), END, END,
     OCTETS("0123456789abcdef"), NONE, 0},
    {"hexadecimal digits", OCTETS("a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n"), END, END,
     OCTETS("01234567890123456789a"), NONE, 0},
    {"data that looks like framing", OCTETS("7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n"), END, END,
     OCTETS("\r\n0\r\n\r\n"), NONE, 0},
    {"data with NUL", OCTETS("3\r\na\0b\r\n0\r\n\r\n"), END, END, OCTETS("a\0b"), NONE, 0},
    {"octets behind", OCTETS("1\r\na\r\n0\r\n\r\nGET / HTTP/1.1\r\n"), END, END, OCTETS("a"), NONE,
     16},
    {"CRLF behind", OCTETS("0\r\n\r\n\r\n"), END, END, NONE, NONE, 2},

    {"nothing yet", OCTETS(""), MORE, MORE, NONE, NONE, 0},
    {"a size without its end", OCTETS("3"), MORE, MORE, NONE, NONE, 0},
    {"a size without its LF", OCTETS("3\r"), MORE, MORE, NONE, NONE, 0},
    {"part of a chunk", OCTETS("3\r\nab"), MORE, MORE, OCTETS("ab"), NONE, 0},
    {"a chunk without its CRLF", OCTETS("3\r\nabc"), MORE, MORE, OCTETS("abc"), NONE, 0},
    {"a chunk without the last one", OCTETS("3\r\nabc\r\n"), MORE, MORE, OCTETS("abc"), NONE, 0},
    {"the last chunk without its CRLF", OCTETS("0\r\n"), MORE, MORE, NONE, NONE, 0},
    {"the last chunk without its LF", OCTETS("0\r\n\r"), MORE, MORE, NONE, NONE, 0},
    {"part of a trailer", OCTETS("0\r\nA: b"), MORE, MORE, NONE, OCTETS("A: b"), 0},
    {"trailers without the last CRLF", OCTETS("0\r\nA: b\r\n"), MORE, MORE, NONE,
     OCTETS("A: b\r\n"), 0},

    {"leading zeros", OCTETS("0003\r\nabc\r\n000\r\n\r\n"), END, END, OCTETS("abc"), NONE, 0},
    {"16 digits", OCTETS("0000000000000001\r\na\r\n0000000000000000\r\n\r\n"), END, END,
     OCTETS("a"), NONE, 0},
    {"17 digits (7.1)", OCTETS("00000000000000001\r\na\r\n0\r\n\r\n"), BAD, BAD, NONE, NONE, 0},
    {"17 zeros (7.1)", OCTETS("00000000000000000\r\n\r\n"), BAD, BAD, NONE, NONE, 0},
    {"2^63 - 1", OCTETS("7fffffffffffffff\r\na"), MORE, MORE, OCTETS("a"), NONE, 0},
    {"2^63 - 1 in capitals", OCTETS("7FFFFFFFFFFFFFFF\r\na"), MORE, MORE, OCTETS("a"), NONE, 0},
    {"2^63 (7.1)", OCTETS("8000000000000000\r\na"), BAD, BAD, NONE, NONE, 0},
    {"2^64 - 1 (7.1)", OCTETS("ffffffffffffffff\r\na"), BAD, BAD, NONE, NONE, 0},
    {"2^64 (7.1)", OCTETS("10000000000000000\r\na"), BAD, BAD, NONE, NONE, 0},
    {"2^64 + 1 wraps to 1 (7.1)", OCTETS("10000000000000001\r\na\r\n0\r\n\r\n"), BAD, BAD, NONE,
     NONE, 0},
    {"the second chunk is over", OCTETS("1\r\na\r\n8000000000000000\r\nb"), BAD, BAD, OCTETS("a"),
     NONE, 0},

    {"no size (7.1)", OCTETS("\r\nabc\r\n0\r\n\r\n"), BAD, BAD, NONE, NONE, 0},
    {"no size, but an extension", OCTETS(";a\r\n"), BAD, BAD, NONE, NONE, 0},
    {"space before the size", OCTETS(" 3\r\nabc\r\n0\r\n\r\n"), BAD, BAD, NONE, NONE, 0},
    {"space behind the size", OCTETS("3 \r\nabc\r\n0\r\n\r\n"), BAD, BAD, NONE, NONE, 0},
    {"tab behind the size", OCTETS("3\t\r\nabc\r\n0\r\n\r\n"), BAD, BAD, NONE, NONE, 0},
    {"space within the size", OCTETS("1 0\r\n"), BAD, BAD, NONE, NONE, 0},
    {"plus", OCTETS("+3\r\nabc\r\n0\r\n\r\n"), BAD, BAD, NONE, NONE, 0},
    {"minus", OCTETS("-3\r\nabc\r\n0\r\n\r\n"), BAD, BAD, NONE, NONE, 0},
    {"0x", OCTETS("0x3\r\nabc\r\n0\r\n\r\n"), BAD, BAD, NONE, NONE, 0},
    {"the letter behind f", OCTETS("g\r\n"), BAD, BAD, NONE, NONE, 0},
    {"the letter behind F", OCTETS("G\r\n"), BAD, BAD, NONE, NONE, 0},
    {"the octet before 0", OCTETS("/\r\n"), BAD, BAD, NONE, NONE, 0},
    {"the octet behind 9", OCTETS(":\r\n"), BAD, BAD, NONE, NONE, 0},
    {"the octet before A", OCTETS("@\r\n"), BAD, BAD, NONE, NONE, 0},
    {"the octet before a", OCTETS("`\r\n"), BAD, BAD, NONE, NONE, 0},
    {"comma", OCTETS("3,3\r\nabc"), BAD, BAD, NONE, NONE, 0},
    {"NUL behind the size", OCTETS("3\0\r\nabc"), BAD, BAD, NONE, NONE, 0},
    {"obs-text behind the size", OCTETS("3\xB2\r\nabc"), BAD, BAD, NONE, NONE, 0},

    {"LF ends a size", OCTETS("3\nabc\r\n0\r\n\r\n"), BAD, BAD, NONE, NONE, 0},
    {"CR ends a size", OCTETS("3\rabc\r\n0\r\n\r\n"), BAD, BAD, NONE, NONE, 0},
    {"CR CR LF ends a size", OCTETS("3\r\r\nabc\r\n0\r\n\r\n"), BAD, BAD, NONE, NONE, 0},
    {"LF CR ends a size", OCTETS("3\n\rabc\r\n0\r\n\r\n"), BAD, BAD, NONE, NONE, 0},
    {"LF ends a chunk", OCTETS("3\r\nabc\n0\r\n\r\n"), BAD, BAD, OCTETS("abc"), NONE, 0},
    {"CR ends a chunk", OCTETS("3\r\nabc\r0\r\n\r\n"), BAD, BAD, OCTETS("abc"), NONE, 0},
    {"CR CR LF ends a chunk", OCTETS("3\r\nabc\r\r\n0\r\n\r\n"), BAD, BAD, OCTETS("abc"), NONE, 0},
    {"nothing ends a chunk", OCTETS("3\r\nabc0\r\n\r\n"), BAD, BAD, OCTETS("abc"), NONE, 0},
    {"a chunk is longer than its size", OCTETS("3\r\nabcd\r\n0\r\n\r\n"), BAD, BAD, OCTETS("abc"),
     NONE, 0},
    {"a chunk is shorter than its size", OCTETS("3\r\nab\r\n0\r\n\r\n"), BAD, BAD, OCTETS("ab\r"),
     NONE, 0},
    {"empty line between chunks", OCTETS("1\r\na\r\n\r\n1\r\nb\r\n0\r\n\r\n"), BAD, BAD,
     OCTETS("a"), NONE, 0},
    {"LF ends the last size", OCTETS("0\n\r\n"), BAD, BAD, NONE, NONE, 0},
    {"LF ends the body", OCTETS("0\r\n\n"), BAD, BAD, NONE, NONE, 0},
    {"CR ends the body", OCTETS("0\r\n\rG"), BAD, BAD, NONE, NONE, 0},
    {"CR CR LF ends the body", OCTETS("0\r\n\r\r\n"), BAD, BAD, NONE, NONE, 0},

    {"extension (7.1.1)", OCTETS("3;a=b\r\nabc\r\n0;c\r\n\r\n"), END, END, OCTETS("abc"), NONE, 0},
    {"extensions", OCTETS("3;a;b=\"c;d\"\r\nabc\r\n0\r\n\r\n"), END, END, OCTETS("abc"), NONE, 0},
    {"blank before the semicolon", OCTETS("3 \t;a\r\nabc\r\n0\r\n\r\n"), END, END, OCTETS("abc"),
     NONE, 0},
    {"blank behind the semicolon", OCTETS("3; a = b \r\nabc\r\n0\r\n\r\n"), END, END, OCTETS("abc"),
     NONE, 0},
    {"tab and obs-text in an extension", OCTETS("3;a=\"\t\xE4\"\r\nabc\r\n0\r\n\r\n"), END, END,
     OCTETS("abc"), NONE, 0},
    {"a size in an extension", OCTETS("1;5\r\na\r\n0\r\n\r\n"), END, END, OCTETS("a"), NONE, 0},
    {"blank without a semicolon", OCTETS("3 a\r\nabc\r\n0\r\n\r\n"), BAD, BAD, NONE, NONE, 0},
    {"LF in an extension", OCTETS("3;a\nabc\r\n0\r\n\r\n"), BAD, BAD, NONE, NONE, 0},
    {"LF in a quoted extension", OCTETS("3;a=\"\n\"\r\nabc"), BAD, BAD, NONE, NONE, 0},
    {"CR in an extension", OCTETS("3;a\rb\r\nabc"), BAD, BAD, NONE, NONE, 0},
    {"CRLF in a quoted extension", OCTETS("3;a=\"\r\n\"\r\nabc"), BAD, BAD, OCTETS("\"\r\n"), NONE,
     0},
    {"NUL in an extension", OCTETS("3;a\0\r\nabc"), BAD, BAD, NONE, NONE, 0},
    {"control octet in an extension", OCTETS("3;a\x01\r\nabc"), BAD, BAD, NONE, NONE, 0},
    {"DEL in an extension", OCTETS("3;a\x7F\r\nabc"), BAD, BAD, NONE, NONE, 0},

    {"trailer (7.1.2)", OCTETS("1\r\na\r\n0\r\nA: b\r\n\r\n"), END, END, OCTETS("a"),
     OCTETS("A: b\r\n"), 0},
    {"trailers", OCTETS("0\r\nA:b\r\nc: \xE4\t\r\nD:\r\n\r\n"), END, END, NONE,
     OCTETS("A:b\r\nc: \xE4\t\r\nD:\r\n"), 0},
    {"trailer and octets behind", OCTETS("0\r\nA: b\r\n\r\nC: d\r\n"), END, END, NONE,
     OCTETS("A: b\r\n"), 6},
    {"trailers of 40 bytes", OCTETS("0\r\nA: 4567890123456789012345678901234567\r\n\r\n"), END, END,
     NONE, OCTETS("A: 4567890123456789012345678901234567\r\n"), 0},
    {"trailer without a colon", OCTETS("0\r\nA\r\n\r\n"), BAD, BAD, NONE, NONE, 0},
    {"trailer without a name", OCTETS("0\r\n: b\r\n\r\n"), BAD, BAD, NONE, NONE, 0},
    {"space before a trailer's colon", OCTETS("0\r\nA : b\r\n\r\n"), BAD, BAD, NONE, NONE, 0},
    {"white space before a trailer", OCTETS("0\r\n A: b\r\n\r\n"), BAD, BAD, NONE, NONE, 0},
    {"folded trailer", OCTETS("0\r\nA: b\r\n c\r\n\r\n"), BAD, BAD, NONE, NONE, 0},
    {"trailer with obs-text in its name", OCTETS("0\r\n\xC4: b\r\n\r\n"), BAD, BAD, NONE, NONE, 0},
    {"NUL in a trailer's name", OCTETS("0\r\nA\0: b\r\n\r\n"), BAD, BAD, NONE, NONE, 0},
    {"LF in a trailer's name", OCTETS("0\r\nA\n: b\r\n\r\n"), BAD, BAD, NONE, NONE, 0},
    {"NUL in a trailer", OCTETS("0\r\nA: b\0\r\n\r\n"), BAD, BAD, NONE, NONE, 0},
    {"LF ends a trailer", OCTETS("0\r\nA: b\n\r\n"), BAD, BAD, NONE, NONE, 0},
    {"CR in a trailer", OCTETS("0\r\nA: b\rc\r\n\r\n"), BAD, BAD, NONE, NONE, 0},
    {"CR CR LF ends a trailer", OCTETS("0\r\nA: b\r\r\n\r\n"), BAD, BAD, NONE, NONE, 0},
    {"LF ends the trailers", OCTETS("0\r\nA: b\r\n\n"), BAD, BAD, NONE, NONE, 0},
    {"control octet in a trailer (0:5.5)", OCTETS("0\r\nA: b\x01\r\n\r\n"), BAD, END, NONE,
     OCTETS("A: b\x01\r\n"), 0},
    {"DEL in a trailer (0:5.5)", OCTETS("0\r\nA: \x7F\r\n\r\n"), BAD, END, NONE,
     OCTETS("A: \x7F\r\n"), 0},
};

static void check_kind(const struct chunk_row *row, enum http_kind kind,
                       enum http_chunk_part verdict)
{
    struct decoding decoding = decode(kind, row->in);

    check_number(kind == HTTP_REQUEST ? "verdict on a request" : "verdict on a response",
                 decoding.verdict, verdict);
    check_octets("data", buffer_content(decoding.data), row->data);
    if (decoding.verdict == HTTP_CHUNK_BAD) {
        check(decoding.chunked.detail != NULL, "no detail");
        return;
    }
    check_octets("trailers", buffer_content(decoding.trailers), row->trailers);
    check_number("taken", decoding.taken, row->in.len - row->left);
}

static void check_chunks(const void *at)
{
    const struct chunk_row *row = at;

    check_kind(row, HTTP_REQUEST, row->request);
    check_kind(row, HTTP_RESPONSE, row->response);
}

/* ---- limits: before, so many letters, behind ---- */

static const struct limit_row {
    const char *name, *before;
    size_t letters;
    const char *behind;
    enum http_chunk_part request, response;
} limit_rows[] = {
    {"extension of 256 bytes with its semicolon", "1;", 255, "\r\na\r\n0\r\n\r\n", END, END},
    {"extension of 257 bytes", "1;", 256, "\r\na\r\n0\r\n\r\n", BAD, END},
    {"extension of 257 bytes and no more yet", "1;", 256, "", BAD, MORE},
    {"blanks before the semicolon count", "1 \t;", 253, "\r\na\r\n0\r\n\r\n", END, END},
    {"blanks before the semicolon count too", "1 \t;", 254, "\r\na\r\n0\r\n\r\n", BAD, END},
    {"extension of the last chunk", "0;", 255, "\r\n\r\n", END, END},
    {"extension of the last chunk, too long", "0;", 256, "\r\n\r\n", BAD, END},
    {"each chunk has its own", "1;aaaaa\r\na\r\n1;", 255, "\r\na\r\n0;aaa\r\n\r\n", END, END},
    {"response extension of 16 KiB", "1;", HTTP_RESPONSE_EXTENSION_BYTES - 1, "\r\na\r\n0\r\n\r\n",
     BAD, END},
    {"response extension over 16 KiB", "1;", HTTP_RESPONSE_EXTENSION_BYTES, "\r\na\r\n0\r\n\r\n",
     BAD, BAD},
    {"trailers of 40 bytes", "0\r\nA: ", 35, "\r\n\r\n", END, END},
    {"trailers of 41 bytes", "0\r\nA: ", 36, "\r\n\r\n", BAD, BAD},
    {"trailers of 41 bytes and no more yet", "0\r\nA: ", 38, "", BAD, BAD},
    {"a long trailer name", "0\r\n", 41, "", BAD, BAD},
    {"many trailers of 40 bytes", "0\r\nA:\r\nB:\r\n", 29, ":\r\n\r\n", END, END},
    {"many trailers of 41 bytes", "0\r\nA:\r\nB:\r\n", 30, ":\r\n\r\n", BAD, BAD},
};

/* Long ones in every split would take long: whole and octet by octet is enough for them. */
static enum http_chunk_part verdict_of(enum http_kind kind, struct slice in)
{
    if (in.len < 1000)
        return decode(kind, in).verdict;
    struct decoding whole = begin(kind, in.len + 1);
    struct decoding octets = begin(kind, in.len + 1);
    give(&whole, in);
    for (size_t i = 0; i < in.len; i++)
        give(&octets, (struct slice){in.at + i, 1});
    check_same("octet by octet", &octets, &whole);
    return whole.verdict;
}

static void check_limit(const void *at)
{
    const struct limit_row *row = at;
    struct slice in = slice_of(text_of("%s%s%s", row->before, letters(row->letters), row->behind));

    check_number("verdict on a request", verdict_of(HTTP_REQUEST, in), row->request);
    check_number("verdict on a response", verdict_of(HTTP_RESPONSE, in), row->response);
}

/* ---- every octet, in each place ---- */

static const struct place_row {
    const char *name, *pattern;     /* with ? for the octet */
    const char *request, *response; /* the octets that are right there */
} place_rows[] = {
    {"first of a size", "?\r\n", "0123456789abcdefABCDEF", "0123456789abcdefABCDEF"},
    {"behind a digit", "1?", "0123456789abcdefABCDEF; \t\r", "0123456789abcdefABCDEF; \t\r"},
    {"behind a blank", "1 ?", "; \t", "; \t"},
    {"behind a CR", "1\r?", "\n", "\n"},
    {"behind data", "1\r\na?", "\r", "\r"},
    {"behind data and CR", "1\r\na\r?", "\n", "\n"},
    {"behind the last CR", "0\r\n\r?", "\n", "\n"},
    {"behind a trailer and CR", "0\r\nA: b\r?", "\n", "\n"},
};

static bool is_right(enum http_kind kind, const char *octets)
{
    struct slice in = {octets, strlen(octets)};
    struct decoding decoding = begin(kind, in.len + 1);

    give(&decoding, in);
    return decoding.verdict != HTTP_CHUNK_BAD;
}

static void check_place(const void *at)
{
    const struct place_row *row = at;

    for (int octet = 1; octet < 256; octet++) {
        const char *in = with_octet(row->pattern, (char)octet).at;
        check(is_right(HTTP_REQUEST, in) == (strchr(row->request, octet) != NULL),
              "octet 0x%02x of a request", (unsigned)octet);
        check(is_right(HTTP_RESPONSE, in) == (strchr(row->response, octet) != NULL),
              "octet 0x%02x of a response", (unsigned)octet);
    }
}

/* Chunks larger than what a size_t of 32 bits holds are counted down in 64 bits. */
static void test_remaining_of_a_large_chunk(void)
{
    struct decoding decoding = begin(HTTP_REQUEST, 1 << 20);

    give(&decoding, slice_of("100000000\r\n"));
    give(&decoding, slice_of(letters(100000)));
    check(decoding.chunked.remaining == 0x100000000ull - 100000, "remaining %llu",
          decoding.chunked.remaining);
    check_number("data", buffer_length(decoding.data), 100000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROWS(framing_rows, check_framing),     ROWS(chunk_rows, check_chunks),
        ROWS(limit_rows, check_limit),         ROWS(place_rows, check_place),
        TEST(test_remaining_of_a_large_chunk),
    };

    return cmocka_run_group_tests_name("http_body", tests, NULL, NULL);
}
