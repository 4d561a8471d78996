/* buffer: a bounded byte buffer: appended at its end, consumed at its start, never grown.
 *
 *     at          at+start        at+end          at+cap
 *     | consumed  | content       | room          |
 */
#ifndef AUTHBRIDGE_BUFFER_H
#define AUTHBRIDGE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

#include "slice.h"

struct buffer {
    char *at;
    size_t cap;
    size_t start;
    size_t end;
    bool overflowed; /* an append did not fit: the content is incomplete */
};

/* Allocates cap bytes (pages are touched only as they are used). false when memory is short. */
bool buffer_init(struct buffer *b, size_t cap);
void buffer_free(struct buffer *b);

/* The content, as octets that stay in the buffer: valid until the next call that moves or clears.
 */
struct slice buffer_content(const struct buffer *b);
size_t buffer_length(const struct buffer *b);

/* Bytes that fit behind the content. */
size_t buffer_room(const struct buffer *b);

/* Forgets content and overflow. */
void buffer_clear(struct buffer *b);

/* The same, and no octet of what stood there is left in memory. */
void buffer_wipe(struct buffer *b);

/* No octet of what stood at those addresses is left in memory; where that was much, whole pages go
 * back to the kernel. */
void buffer_wipe_octets(char *at, size_t len);

/* Moves the content to the front, so that all the room is behind it. */
void buffer_compact(struct buffer *b);

/* Drops len bytes from the start of the content; an emptied buffer starts at the front again. */
void buffer_consume(struct buffer *b, size_t len);

/* Append octets, text, a number in decimal or hexadecimal digits. What does not fit is not
 * written and sets overflowed, so that a sequence of appends needs one check at its end. */
void buffer_add(struct buffer *b, struct slice octets);
void buffer_add_text(struct buffer *b, const char *text);
void buffer_add_decimal(struct buffer *b, unsigned long long number);
void buffer_add_hex(struct buffer *b, unsigned long long number);

#endif
