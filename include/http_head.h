/* http_head: the strict parser of request and response heads (RFC 9112 2 to 5).
 *
 * Pure: no malloc, no I/O. It is fed the octets received so far, again and again with more of
 * them, and looks at each octet once. What it accepts can be read one way only: lines end in
 * CRLF, no bare CR or LF, no NUL, no line folding, no white space before a colon. */
#ifndef AUTHBRIDGE_HTTP_HEAD_H
#define AUTHBRIDGE_HTTP_HEAD_H

#include <stdbool.h>

#include "slice.h"

#define HTTP_METHOD_BYTES_MAX   32u
#define HTTP_EMPTY_LINES_MAX    2u                   /* before a request line, RFC 9112 2.2 */
#define HTTP_RESPONSE_BYTES_MAX ((size_t)256 * 1024) /* a response head */

enum http_kind { HTTP_REQUEST, HTTP_RESPONSE };

enum http_progress { HTTP_PARTIAL, HTTP_COMPLETE, HTTP_BAD };

/* Why a message is refused: the status of the answer, and one line for people. */
struct http_fault {
    unsigned status;
    const char *detail; /* a literal */
};

struct http_limits {
    size_t head_bytes;
    size_t target_bytes; /* requests only */
    size_t fields;
};

struct http_head {
    enum http_kind kind;
    struct http_limits limits;

    /* Set when HTTP_COMPLETE, pointing into the octets given last. */
    size_t length;       /* of the whole head, with what was skipped before it */
    struct slice fields; /* the field lines, each with its CRLF, without the empty line */
    struct slice method; /* requests */
    struct slice target;
    unsigned status; /* responses, 100 to 999 */
    struct slice reason;
    unsigned minor; /* of HTTP/1.minor */

    /* Set when HTTP_BAD: 400, 414, 431, 501 or 505 for a request, 502 for a response. */
    struct http_fault fault;
    bool is_too_large; /* the fault is its size, or the number of its fields */

    /* How far the parser has come: offsets, for the caller may move the octets. */
    size_t seen;
    size_t line;
    size_t start_line;
    size_t start_line_bytes;
    size_t method_bytes; /* 0 until its end is seen */
    bool target_ended;
    size_t field_section;
    size_t field_count;
    unsigned empty_lines;
};

/* Makes ready for a new head. */
void http_head_init(struct http_head *head, enum http_kind kind, struct http_limits limits);

/* Looks at len octets, which begin with all that was given before. After HTTP_BAD or
 * HTTP_COMPLETE it is not to be called again before http_head_init. */
enum http_progress http_head_parse(struct http_head *head, const char *at, size_t len);

/* Whether any octet of the head itself has come (empty lines before a request do not count). */
bool http_head_has_begun(const struct http_head *head);

#endif
