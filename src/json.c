/* json: writes JSON into a buffer. */
#include "json.h"

#include <stdint.h>
#include <stdio.h>

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

/* ---- UTF-8 (RFC 3629) ---- */

/* The number of octets after this first one, and the bounds of the next; -1 for an octet that
 * begins no character. The bounds leave out overlong forms, surrogates and what is over U+10FFFF.
 */
static int more_octets(unsigned char first, unsigned char *low, unsigned char *high)
{
    *low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    *high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    if (first < 0x80)
        return 0;
    if (first >= 0xC2 && first <= 0xDF)
        return 1;
    if (first >= 0xE0 && first <= 0xEF)
        return 2;
    return first >= 0xF0 && first <= 0xF4 ? 3 : -1;
}

/* Takes one character from the front. false for octets that are none: as many as begin one and
 * do not go on as they should, one at least. */
static bool take_character(struct slice *text, struct slice *character)
{
    unsigned char low;
    unsigned char high;
    int more = more_octets((unsigned char)text->at[0], &low, &high);
    size_t len = 1;

    while (more > 0 && len < text->len && (unsigned char)text->at[len] >= low &&
           (unsigned char)text->at[len] <= high) {
        low = 0x80;
        high = 0xBF;
        len++;
        more--;
    }
    *character = (struct slice){text->at, len};
    text->at += len;
    text->len -= len;
    return more == 0;
}

/* ---- strings ---- */

/* Whether a character is a control of C0 or C1, or DEL, of which JSON demands the first only; the
 * others could do harm on a terminal. *code is its number. */
static bool is_control(struct slice character, unsigned *code)
{
    unsigned char first = (unsigned char)character.at[0];

    *code = first;
    if (character.len == 1)
        return first < 0x20 || first == 0x7F;
    *code = (unsigned char)character.at[1];
    return first == 0xC2 && *code < 0xA0;
}

/* How the character at the front is written: as it is, escaped into space, or replaced. */
static struct slice take_written(struct slice *text, char space[8])
{
    struct slice character;
    unsigned code;

    if (!take_character(text, &character))
        return slice_of(REPLACEMENT);
    if (character.at[0] == '"' || character.at[0] == '\\')
        snprintf(space, 8, "\\%c", character.at[0]);
    else if (is_control(character, &code))
        snprintf(space, 8, "\\u%04x", code & 0xFF);
    else
        return character;
    return slice_of(space);
}

static void add_string(struct buffer *out, struct slice text, size_t max)
{
    char space[8];
    size_t written = 0;

    buffer_add_text(out, "\"");
    size_t cut = out->end; /* where "..." still fits */
    while (text.len > 0) {
        struct slice piece = take_written(&text, space);
        if (piece.len > max - written) {
            out->end = cut;
            buffer_add_text(out, "...");
            break;
        }
        buffer_add(out, piece);
        written += piece.len;
        if (written + 3 <= max)
            cut = out->end;
    }
    buffer_add_text(out, "\"");
}

/* ---- values ---- */

static void begin_value(struct json *json, const char *name)
{
    if (json->follows)
        buffer_add_text(json->out, ",");
    json->follows = true;
    if (name == NULL)
        return;
    buffer_add_text(json->out, "\"");
    buffer_add_text(json->out, name);
    buffer_add_text(json->out, "\":");
}

static void begin_group(struct json *json, const char *name, const char *mark)
{
    begin_value(json, name);
    buffer_add_text(json->out, mark);
    json->follows = false;
}

static void end_group(struct json *json, const char *mark)
{
    buffer_add_text(json->out, mark);
    json->follows = true;
}

void json_begin_object(struct json *json, const char *name)
{
    begin_group(json, name, "{");
}

void json_end_object(struct json *json)
{
    end_group(json, "}");
}

void json_begin_array(struct json *json, const char *name)
{
    begin_group(json, name, "[");
}

void json_end_array(struct json *json)
{
    end_group(json, "]");
}

void json_add_text(struct json *json, const char *name, struct slice text)
{
    json_add_text_cut(json, name, text, SIZE_MAX);
}

void json_add_text_cut(struct json *json, const char *name, struct slice text, size_t max)
{
    begin_value(json, name);
    add_string(json->out, text, max);
}

void json_add_number(struct json *json, const char *name, unsigned long long number)
{
    begin_value(json, name);
    buffer_add_decimal(json->out, number);
}

void json_add_decimal(struct json *json, const char *name, long long number, unsigned decimals)
{
    unsigned long long whole =
        number < 0 ? 0 - (unsigned long long)number : (unsigned long long)number;
    unsigned long long unit = 1;

    begin_value(json, name);
    for (unsigned i = 0; i < decimals; i++)
        unit *= 10;
    if (number < 0)
        buffer_add_text(json->out, "-");
    buffer_add_decimal(json->out, whole / unit);
    if (decimals == 0)
        return;
    buffer_add_text(json->out, ".");
    while ((unit /= 10) > 0)
        buffer_add_decimal(json->out, whole / unit % 10);
}

void json_add_bool(struct json *json, const char *name, bool value)
{
    begin_value(json, name);
    buffer_add_text(json->out, value ? "true" : "false");
}

void json_add_null(struct json *json, const char *name)
{
    begin_value(json, name);
    buffer_add_text(json->out, "null");
}
