/* http_body: how content is framed, and the strict reader of the chunked coding. */
#include "http_body.h"

#include <string.h>

#include "http_field.h"

/* ---- the framing fields ---- */

static bool refuse(struct http_fault *fault, unsigned status, const char *detail)
{
    *fault = (struct http_fault){status, detail};
    return false;
}

static bool read_length(struct slice value, struct http_framing_fields *found,
                        struct slice *first_copy, struct http_fault *fault)
{
    if (found->has_length && !slice_equals(value, *first_copy))
        return refuse(fault, 400, "copies of Content-Length differ");
    if (!slice_to_number(value, HTTP_LENGTH_MAX, &found->length))
        return refuse(fault, 400, "Content-Length is not a number of octets");
    found->has_length = true;
    *first_copy = value;
    return true;
}

/* A coding that is not chunked, perhaps with parameters (RFC 9112 7). */
static bool is_other_coding(struct slice coding)
{
    const char *semicolon = coding.len > 0 ? memchr(coding.at, ';', coding.len) : NULL;

    if (semicolon != NULL)
        coding.len = (size_t)(semicolon - coding.at);
    coding = slice_trim(coding);
    return http_is_token(coding) && !slice_equals_nocase(coding, slice_of("chunked"));
}

static bool read_codings(struct slice value, struct http_framing_fields *found,
                         struct http_fault *fault)
{
    struct slice coding;

    while (http_list_next(&value, &coding)) {
        if (found->has_coding)
            return refuse(fault, 400, "chunked is not the last transfer coding, or stands twice");
        if (!slice_equals_nocase(coding, slice_of("chunked"))) {
            if (!is_other_coding(coding))
                return refuse(fault, 400, "Transfer-Encoding is not a list of codings");
            return refuse(fault, 501, "a transfer coding other than chunked is not served");
        }
        found->has_coding = true;
    }
    return true;
}

bool http_framing_read(struct slice fields, unsigned minor, struct http_framing_fields *found,
                       struct http_fault *fault)
{
    struct http_field field;
    struct slice first_copy = {NULL, 0};
    struct http_fault coding_fault = {0, NULL};
    bool has_coding_field = false;

    *found = (struct http_framing_fields){0};
    while (http_field_next(&fields, &field)) {
        if (field.id == HTTP_FIELD_CONTENT_LENGTH) {
            if (!read_length(field.value, found, &first_copy, fault))
                return false;
        } else if (field.id == HTTP_FIELD_TRANSFER_ENCODING) {
            has_coding_field = true;
            if (coding_fault.status == 0)
                read_codings(field.value, found, &coding_fault);
        }
    }
    if (has_coding_field && found->has_length)
        return refuse(fault, 400, "Transfer-Encoding and Content-Length stand together");
    if (has_coding_field && minor == 0)
        return refuse(fault, 400, "Transfer-Encoding in HTTP/1.0");
    if (coding_fault.status != 0)
        return refuse(fault, coding_fault.status, coding_fault.detail);
    return true;
}

/* ---- the chunked coding ---- */

enum chunk_state {
    SIZE_FIRST, /* a chunk begins: a digit must come */
    SIZE,       /* further digits, an extension or CR */
    SIZE_BLANK, /* white space that only an extension may follow */
    EXTENSION,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER_START, /* a field line or the final CRLF */
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_LF,
    FINAL_LF,
    END,
};

void http_chunked_init(struct http_chunked *chunked, enum http_kind kind, size_t trailer_limit)
{
    *chunked = (struct http_chunked){
        .state = SIZE_FIRST,
        .extension_limit =
            kind == HTTP_REQUEST ? HTTP_REQUEST_EXTENSION_BYTES : HTTP_RESPONSE_EXTENSION_BYTES,
        .trailer_limit = trailer_limit,
        .lenient = kind == HTTP_RESPONSE,
    };
}

static bool fail(struct http_chunked *chunked, const char *detail)
{
    chunked->detail = detail;
    return false;
}

static bool add_digit(struct http_chunked *chunked, int digit)
{
    if (++chunked->digits > HTTP_CHUNK_DIGITS_MAX || chunked->remaining > (HTTP_LENGTH_MAX >> 4))
        return fail(chunked, "a chunk size is too large");
    chunked->remaining = chunked->remaining << 4 | (unsigned)digit;
    chunked->state = SIZE;
    return true;
}

/* The octet behind a chunk size, or within its extensions. */
static bool take_extension_octet(struct http_chunked *chunked, char c)
{
    if (c == '\r' && chunked->state != SIZE_BLANK) {
        chunked->state = SIZE_LF;
        return true;
    }
    bool blank = c == ' ' || c == '\t';
    if (chunked->state != EXTENSION && !blank && c != ';')
        return fail(chunked, "a chunk size is not a hexadecimal number");
    if (!http_is_content_octet(c))
        return fail(chunked, "a chunk extension holds a control octet");
    if (++chunked->extension_bytes > chunked->extension_limit)
        return fail(chunked, "a chunk's extensions are too long");
    if (c == ';')
        chunked->state = EXTENSION;
    else if (chunked->state == SIZE)
        chunked->state = SIZE_BLANK;
    return true;
}

static bool take_size_octet(struct http_chunked *chunked, char c)
{
    int digit = http_hex_digit(c);

    switch (chunked->state) {
    case SIZE_FIRST:
        return digit >= 0 ? add_digit(chunked, digit)
                          : fail(chunked, "a chunk size is not a hexadecimal number");
    case SIZE:
        if (digit >= 0)
            return add_digit(chunked, digit);
        return take_extension_octet(chunked, c);
    case SIZE_LF:
        if (c != '\n')
            return fail(chunked, "a chunk size does not end in CRLF");
        chunked->state = chunked->remaining > 0 ? DATA : TRAILER_START;
        return true;
    case DATA_CR:
        chunked->state = DATA_LF;
        return c == '\r' || fail(chunked, "a chunk does not end in CRLF");
    case DATA_LF:
        chunked->state = SIZE_FIRST;
        chunked->digits = 0;
        chunked->extension_bytes = 0;
        return c == '\n' || fail(chunked, "a chunk does not end in CRLF");
    default:
        return take_extension_octet(chunked, c);
    }
}

static bool take_trailer_octet(struct http_chunked *chunked, char c)
{
    if (++chunked->trailer_bytes > chunked->trailer_limit)
        return fail(chunked, "the trailer section is too long");
    switch (chunked->state) {
    case TRAILER_START:
    case TRAILER_NAME:
        if (c == ':' && chunked->state == TRAILER_NAME)
            chunked->state = TRAILER_VALUE;
        else if (http_is_token_octet(c))
            chunked->state = TRAILER_NAME;
        else
            return fail(chunked, "a trailer's field name is not a token");
        return true;
    case TRAILER_VALUE:
        if (c == '\r')
            chunked->state = TRAILER_LF;
        else if (!http_is_content_octet(c) && (!chunked->lenient || c == '\0' || c == '\n'))
            return fail(chunked, "a trailer holds a control octet");
        return true;
    default: /* TRAILER_LF */
        chunked->state = TRAILER_START;
        return c == '\n' || fail(chunked, "a trailer does not end in CRLF");
    }
}

/* Which part the next octet belongs to. */
static enum http_chunk_part part_of(const struct http_chunked *chunked, char next)
{
    switch (chunked->state) {
    case DATA:
        return HTTP_CHUNK_DATA;
    case TRAILER_START:
        return next == '\r' ? HTTP_CHUNK_FRAMING : HTTP_CHUNK_TRAILER;
    case TRAILER_NAME:
    case TRAILER_VALUE:
    case TRAILER_LF:
        return HTTP_CHUNK_TRAILER;
    case FINAL_LF:
        return HTTP_CHUNK_END;
    default:
        return HTTP_CHUNK_FRAMING;
    }
}

static size_t take_data(struct http_chunked *chunked, size_t available)
{
    size_t run = chunked->remaining < available ? (size_t)chunked->remaining : available;

    chunked->remaining -= run;
    if (chunked->remaining == 0)
        chunked->state = DATA_CR;
    return run;
}

/* One octet that is not data. */
static bool take_octet(struct http_chunked *chunked, enum http_chunk_part part, char c)
{
    if (part == HTTP_CHUNK_TRAILER)
        return take_trailer_octet(chunked, c);
    if (chunked->state == TRAILER_START) {
        chunked->state = FINAL_LF;
        return true;
    }
    if (part == HTTP_CHUNK_END) {
        chunked->state = END;
        return c == '\n' || fail(chunked, "the last chunk does not end in CRLF");
    }
    return take_size_octet(chunked, c);
}

enum http_chunk_part http_chunked_take(struct http_chunked *chunked, struct slice in, size_t *taken)
{
    *taken = 0;
    if (in.len == 0)
        return HTTP_CHUNK_MORE;
    enum http_chunk_part part = part_of(chunked, in.at[0]);
    if (part == HTTP_CHUNK_DATA) {
        *taken = take_data(chunked, in.len);
        return part;
    }
    size_t run = 0;
    do {
        if (!take_octet(chunked, part, in.at[run])) {
            *taken = 0;
            return HTTP_CHUNK_BAD;
        }
        run++;
    } while (part != HTTP_CHUNK_END && run < in.len && part_of(chunked, in.at[run]) == part);
    *taken = run;
    return part;
}
