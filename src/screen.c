/* screen: keeps texts out of a response on its way. */
#include "screen.h"

#include <string.h>

#include "http_field.h"

#define STATUS_LINE_BYTES 13u /* "HTTP/1.1 200 ", before the reason */

/* ---- heads ---- */

/* Masks what is not the colon behind a name. */
static void mask_line(char *line, size_t from, size_t to, size_t colon)
{
    for (size_t i = from; i < to; i++)
        if (i != colon)
            line[i] = SCREEN_MASK;
}

/* Masks the texts in a line. Neither its end nor what stands before from is part of one. */
static void screen_line(struct screen *screen, char *line, size_t from, size_t len, size_t colon)
{
    uint32_t state = 0;
    size_t end;
    size_t found;

    while (reflect_find(screen->reflect, &state, (struct slice){line + from, len - from}, &end,
                        &found)) {
        screen->found = true;
        from += end;
        mask_line(line, from - found, from, colon);
    }
}

static bool has_text(const struct screen *screen, struct slice line)
{
    uint32_t state = 0;
    size_t end;
    size_t found;

    return reflect_find(screen->reflect, &state, line, &end, &found);
}

/* What others read, and act on, must stay as it is. */
static bool can_be_masked(struct slice name)
{
    enum http_field_id id = http_field_identify(name);

    return !http_field_is_reserved(id) && id != HTTP_FIELD_DATE;
}

static bool screen_field_line(struct screen *screen, char *line, size_t len)
{
    const char *end = memchr(line, ':', len);
    size_t colon = end != NULL ? (size_t)(end - line) : len;

    if (!has_text(screen, (struct slice){line, len}))
        return true;
    screen->found = true;
    if (screen->blocks || !can_be_masked((struct slice){line, colon}))
        return false;
    screen_line(screen, line, 0, len, colon);
    return true;
}

static bool screen_status_line(struct screen *screen, char *line, size_t len)
{
    if (len <= STATUS_LINE_BYTES)
        return true;
    screen_line(screen, line, STATUS_LINE_BYTES, len, len);
    return !screen->found || !screen->blocks;
}

bool screen_head(struct screen *screen, char *head, size_t len)
{
    bool is_first = true;

    while (len > 0) {
        const char *end = memchr(head, '\n', len);
        size_t line = end != NULL ? (size_t)(end - head) + 1 : len;
        if (!(is_first ? screen_status_line(screen, head, line)
                       : screen_field_line(screen, head, line)))
            return false;
        head += line;
        len -= line;
        is_first = false;
    }
    return true;
}

/* ---- content ---- */

void screen_begin(struct screen *screen, const struct http_chunked *front)
{
    screen->has_framing = front != NULL;
    if (front != NULL)
        screen->front = *front;
    screen->state = screen->framing_state = 0;
    screen->content = 0;
}

static bool is_content(enum http_chunk_part part)
{
    return part == HTTP_CHUNK_DATA || part == HTTP_CHUNK_TRAILER;
}

/* Trailer fields stay fields. */
static void mask(enum http_chunk_part part, char *at, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (part == HTTP_CHUNK_DATA || (at[i] != ':' && at[i] != '\r' && at[i] != '\n'))
            at[i] = SCREEN_MASK;
}

/* Takes the next part of held octets from *at on, at most so many octets of content. */
static enum http_chunk_part take_part(struct http_chunked *chunked, struct slice held, size_t at,
                                      size_t content, size_t *taken)
{
    struct http_chunked before = *chunked;
    struct slice rest = {held.at + at, held.len - at};
    enum http_chunk_part part = http_chunked_take(chunked, rest, taken);

    if (!is_content(part) || *taken <= content)
        return part;
    *chunked = before;
    *taken = 0;
    rest.len = content;
    return content > 0 ? http_chunked_take(chunked, rest, taken) : HTTP_CHUNK_MORE;
}

/* Goes from a place in held octets over that many of content, and the framing before the next. How
 * many octets that is. masked: they are masked on the way. */
static size_t pass(struct http_chunked *chunked, char *held, size_t len, size_t content,
                   bool masked)
{
    size_t at = 0;
    size_t taken;

    for (;;) {
        enum http_chunk_part part =
            take_part(chunked, (struct slice){held, len}, at, content, &taken);
        if (taken == 0)
            return at;
        if (is_content(part)) {
            content -= taken;
            if (masked)
                mask(part, held + at, taken);
        }
        at += taken;
    }
}

/* Masks the last len octets of content that stand before those being looked at. */
static void mask_back(struct screen *screen, char *held, size_t held_len, size_t len)
{
    struct http_chunked chunked = screen->front;

    if (len > screen->content)
        len = screen->content; /* the rest has been masked already */
    if (!screen->has_framing) {
        mask(HTTP_CHUNK_DATA, held + held_len - len, len);
        return;
    }
    size_t at = pass(&chunked, held, held_len, screen->content - len, false);
    pass(&chunked, held + at, held_len - at, len, true);
}

static bool look_at_framing(struct screen *screen, struct slice octets)
{
    size_t end;
    size_t found;

    if (!reflect_find(screen->reflect, &screen->framing_state, octets, &end, &found))
        return true;
    screen->found = true;
    return false;
}

bool screen_look(struct screen *screen, enum http_chunk_part part, char *held, size_t held_len,
                 size_t len)
{
    const size_t before = held_len - len;
    char *octets = held + before;
    size_t at = 0;
    size_t back = 0;
    size_t end;
    size_t found;

    if (!is_content(part))
        return look_at_framing(screen, (struct slice){octets, len});
    while (reflect_find(screen->reflect, &screen->state, (struct slice){octets + at, len - at},
                        &end, &found)) {
        screen->found = true;
        if (screen->blocks)
            return false;
        at += end;
        size_t within = found < at ? found : at;
        mask(part, octets + at - within, within);
        if (found - within > back)
            back = found - within;
    }
    if (back > 0)
        mask_back(screen, held, before, back);
    screen->content += len;
    return true;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Goes on to where the oldest octet stands that may be part of a text; how many octets that is. */
static size_t pass_known(struct screen *screen, const struct http_chunked *behind, char *held,
                         size_t held_len)
{
    size_t pending = smaller(reflect_pending(screen->reflect, screen->state), screen->content);
    size_t framing = smaller(reflect_pending(screen->reflect, screen->framing_state), held_len);
    size_t passed = held_len;

    if (!screen->has_framing)
        passed -= pending;
    else if (pending == 0 && framing == 0)
        screen->front = *behind;
    else
        passed = pass(&screen->front, held, held_len - framing, screen->content - pending, false);
    screen->content = pending;
    return passed;
}

bool screen_release(struct screen *screen, const struct http_chunked *behind, char *held,
                    size_t held_len, size_t *released)
{
    *released = pass_known(screen, behind, held, held_len);
    if (held_len - *released <= SCREEN_HELD_MAX)
        return true;

    /* Too much to go on waiting for the rest of a text: it is taken for one. */
    screen->found = true;
    if (screen->blocks)
        return false;
    mask_back(screen, held + *released, held_len - *released, screen->content);
    screen->content = 0;
    screen->front = *behind;
    *released = held_len;
    return true;
}
