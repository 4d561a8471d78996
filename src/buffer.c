/* buffer: a bounded byte buffer. */
#include "buffer.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

bool buffer_init(struct buffer *b, size_t cap)
{
    *b = (struct buffer){.at = malloc(cap), .cap = cap};
    return b->at != NULL;
}

void buffer_free(struct buffer *b)
{
    free(b->at);
    *b = (struct buffer){0};
}

struct slice buffer_content(const struct buffer *b)
{
    if (b->at == NULL) /* never allocated: NULL + 0 is not defined */
        return (struct slice){NULL, 0};
    return (struct slice){b->at + b->start, b->end - b->start};
}

size_t buffer_length(const struct buffer *b)
{
    return b->end - b->start;
}

size_t buffer_room(const struct buffer *b)
{
    return b->cap - b->end;
}

void buffer_clear(struct buffer *b)
{
    b->start = b->end = 0;
    b->overflowed = false;
}

/* Gives whole pages back to the kernel, which has zeroed ones in their place when they are used
 * again: pages that were never used cost nothing, and where there is none nothing is to be done. */
static bool give_back(char *from, size_t len)
{
    return len == 0 || madvise(from, len, MADV_DONTNEED) == 0 || errno == ENOMEM;
}

void buffer_wipe_octets(char *at, size_t len)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t before = (size_t)(-(uintptr_t)at & (page - 1)) + page;
    size_t behind = (size_t)((uintptr_t)(at + len) & (page - 1));

    if (len < before + behind || !give_back(at + before, len - before - behind)) {
        explicit_bzero(at, len);
        return;
    }
    explicit_bzero(at, before);
    explicit_bzero(at + len - behind, behind);
}

void buffer_wipe(struct buffer *b)
{
    buffer_wipe_octets(b->at, b->cap);
    buffer_clear(b);
}

void buffer_compact(struct buffer *b)
{
    if (b->start == 0)
        return;
    memmove(b->at, b->at + b->start, b->end - b->start);
    b->end -= b->start;
    b->start = 0;
}

void buffer_consume(struct buffer *b, size_t len)
{
    if (len > buffer_length(b))
        abort(); /* a broken invariant: going on would read what was never received */
    b->start += len;
    if (b->start == b->end)
        b->start = b->end = 0;
}

void buffer_add(struct buffer *b, struct slice octets)
{
    if (octets.len > buffer_room(b)) {
        b->overflowed = true;
        return;
    }
    if (octets.len > 0)
        memcpy(b->at + b->end, octets.at, octets.len);
    b->end += octets.len;
}

void buffer_add_text(struct buffer *b, const char *text)
{
    buffer_add(b, slice_of(text));
}

static void add_number(struct buffer *b, unsigned long long number, unsigned base)
{
    char digits[24];
    size_t at = sizeof digits;

    do {
        digits[--at] = "0123456789abcdef"[number % base];
        number /= base;
    } while (number > 0);
    buffer_add(b, (struct slice){digits + at, sizeof digits - at});
}

void buffer_add_decimal(struct buffer *b, unsigned long long number)
{
    add_number(b, number, 10);
}

void buffer_add_hex(struct buffer *b, unsigned long long number)
{
    add_number(b, number, 16);
}
