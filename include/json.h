/* json: writes JSON (RFC 8259) into a buffer: whatever octets a text has, the result is valid, in
 * ASCII and UTF-8, on one line. Commas and colons come by themselves. Pure.
 *
 *     struct json json = {.out = &buffer};
 *     json_begin_object(&json, NULL);
 *     json_add_text(&json, "name", slice_of("value"));
 *     json_end_object(&json);
 */
#ifndef AUTHBRIDGE_JSON_H
#define AUTHBRIDGE_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include "buffer.h"

/* What did not fit is told by the buffer: out->overflowed. */
struct json {
    struct buffer *out;
    bool follows; /* a value stands before: a comma is needed */
};

/* In each call name is the member's name, which the caller knows to be plain ASCII without
 * quotation marks; NULL for an element of an array and for the outermost value. */

void json_begin_object(struct json *json, const char *name);
void json_end_object(struct json *json);
void json_begin_array(struct json *json, const char *name);
void json_end_array(struct json *json);

/* A string. Octets that are not UTF-8 become U+FFFD; control characters are escaped. */
void json_add_text(struct json *json, const char *name, struct slice text);

/* The same, of which no more than max octets are written between the quotation marks, the "..."
 * included that then ends it. max is 3 at least. */
void json_add_text_cut(struct json *json, const char *name, struct slice text, size_t max);

/* Numbers: an integer; and one with so many decimals, such as 12345 with 3 for 12.345. */
void json_add_number(struct json *json, const char *name, unsigned long long number);
void json_add_decimal(struct json *json, const char *name, long long number, unsigned decimals);

void json_add_bool(struct json *json, const char *name, bool value);
void json_add_null(struct json *json, const char *name);

#endif
