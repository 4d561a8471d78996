/* http_field: field lines, names, lists and tokens (RFC 9110 5, RFC 9112 5). Pure: no malloc, no
 * I/O; everything returned points into the caller's octets. */
#ifndef AUTHBRIDGE_HTTP_FIELD_H
#define AUTHBRIDGE_HTTP_FIELD_H

#include <stdbool.h>

#include "slice.h"

/* The fields that the proxy itself must understand; all others are HTTP_FIELD_OTHER. */
enum http_field_id {
    HTTP_FIELD_OTHER,
    HTTP_FIELD_AUTHORIZATION,
    HTTP_FIELD_CONNECTION,
    HTTP_FIELD_CONTENT_LENGTH,
    HTTP_FIELD_DATE,
    HTTP_FIELD_EXPECT,
    HTTP_FIELD_HOST,
    HTTP_FIELD_KEEP_ALIVE,
    HTTP_FIELD_MAX_FORWARDS,
    HTTP_FIELD_PROXY_AUTHORIZATION,
    HTTP_FIELD_PROXY_CONNECTION,
    HTTP_FIELD_TE,
    HTTP_FIELD_TRAILER,
    HTTP_FIELD_TRANSFER_ENCODING,
    HTTP_FIELD_UPGRADE,
};

struct http_field {
    enum http_field_id id;
    struct slice name;
    struct slice value; /* without the white space around it */
    struct slice line;  /* as it came, CRLF included */
};

/* Whether it has that name, in any case: for fields without an id. */
bool http_field_is(const struct http_field *field, const char *name);

/* Which octets may stand where: one table for head and chunked framing. */
bool http_is_token_octet(char c);   /* tchar, RFC 9110 5.6.2 */
bool http_is_content_octet(char c); /* field-vchar, SP, HTAB, obs-text: no control octet */

/* The value of a hexadecimal digit; -1 for any other octet. */
int http_hex_digit(char c);

/* A non-empty token (RFC 9110 5.6.2). */
bool http_is_token(struct slice s);

enum http_field_id http_field_identify(struct slice name);

/* Whether a target could take both for one name: case aside, and with any other octet than letters
 * and digits for -, as CGI and WSGI read X_Api_Key and X-Api-Key. */
bool http_names_are_alike(struct slice a, struct slice b);

/* Whether a target could take a name for that of a framing field, as above. */
bool http_resembles_framing(struct slice name);

/* Takes the next field from lines, a section of field lines that has been validated: each with a
 * colon and a CRLF. false when none is left. */
bool http_field_next(struct slice *lines, struct http_field *field);

/* Takes the next element of a comma-separated list, white space trimmed; it may be empty. false
 * at the end. */
bool http_list_next(struct slice *list, struct slice *element);

/* The fields that Connection names, for the fields of one head (RFC 9110 7.6.1). */
#define HTTP_NOMINATIONS_MAX 64u

struct http_nominations {
    struct slice names[HTTP_NOMINATIONS_MAX];
    size_t count;
    bool close; /* a field called Close would be one of them */
};

/* What a head's Connection fields say. */
struct http_connection {
    bool close, keep_alive, upgrade;
    struct http_nominations nominations; /* whatever else is named, TE aside */
};

/* Reads one Connection field's value into what has been read so far. false when it names more
 * fields than HTTP_NOMINATIONS_MAX. */
bool http_connection_read(struct slice value, struct http_connection *connection);

bool http_is_nominated(const struct http_nominations *nominations, struct slice name);

/* Whether a field that is framing or belongs to one connection only: never to be injected by a
 * configuration, and never taken from a trailer section. */
bool http_field_is_reserved(enum http_field_id id);

#endif
