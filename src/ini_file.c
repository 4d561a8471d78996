/* ini_file: reads an INI file with inih, losing nothing silently. */
#include "ini_file.h"

#include <errno.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>

#include "privileges.h"
#include "slice.h"

#define SECTION_BYTES_MAX 49u /* inih keeps no more of a section's name */
#define BYTE_ORDER_MARK   "\xEF\xBB\xBF"
#define LINE_OVERHEAD     3 /* CR, LF and NUL, which inih counts in */

struct ini_reader {
    const char *path;
    const char *at; /* what has not been given to inih yet */
    const char *end;
    unsigned line; /* of what was given last, from 1 */
    ini_file_handler *handler;
    void *context;
};

/* ---- the file as octets ---- */

static char *read_stream(FILE *file, size_t *len)
{
    char *content = malloc(INI_FILE_BYTES_MAX + 1);

    if (content == NULL)
        return NULL;
    *len = fread(content, 1, INI_FILE_BYTES_MAX + 1, file);
    if (ferror(file) || *len > INI_FILE_BYTES_MAX) {
        errno = ferror(file) ? errno : EFBIG;
        free(content);
        return NULL;
    }
    return content;
}

static char *read_file(const char *path, size_t *len)
{
    FILE *file = fopen(path, "re");

    if (file == NULL)
        return NULL;
    char *content = read_stream(file, len);
    int saved = errno;
    fclose(file);
    errno = saved;
    return content;
}

/* ---- what inih would lose ---- */

#ifdef INIH_RUNTIME_LIMITS
static bool fits_inih(const struct ini_reader *reader, const char *text, size_t len, FILE *report)
{
    (void)reader, (void)text, (void)len, (void)report;
    return true; /* its limits are set to fit the file */
}
#else
static bool fits_inih(const struct ini_reader *reader, const char *text, size_t len, FILE *report)
{
    if (len > INI_MAX_LINE - LINE_OVERHEAD) {
        fprintf(report,
                "%s:%u: a line has at most %d bytes with this build of inih; put long values "
                "into a file: ${file:/path}\n",
                reader->path, reader->line, INI_MAX_LINE - LINE_OVERHEAD);
        return false;
    }
    if (memmem(text, len, " ;", 2) != NULL || memmem(text, len, "\t;", 2) != NULL) {
        fprintf(report,
                "%s:%u: this build of inih takes white space and ; for a comment; put the value "
                "into a file: ${file:/path}\n",
                reader->path, reader->line);
        return false;
    }
    return true;
}
#endif

/* What stands between [ and ]; without octets where the line is none of a section. */
static struct slice section_of(const char *text, size_t len)
{
    const char *close = len > 0 && text[0] == '[' ? memchr(text, ']', len) : NULL;

    return close != NULL ? (struct slice){text + 1, (size_t)(close - text) - 1}
                         : (struct slice){NULL, 0};
}

static bool is_blank_after(struct slice section, const char *text, size_t len)
{
    for (const char *c = section.at + section.len + 1; c < text + len; c++)
        if (strchr(" \t\r\n", *c) == NULL || *c == '\0')
            return false;
    return true;
}

static bool check_line(const struct ini_reader *reader, const char *text, size_t len, FILE *report)
{
    struct slice section = section_of(text, len);

    if (memchr(text, '\0', len) != NULL) {
        fprintf(report, "%s:%u: a NUL byte: the file must be text\n", reader->path, reader->line);
        return false;
    }
    if (section.at != NULL && !is_blank_after(section, text, len)) {
        fprintf(report, "%s:%u: behind [%.*s] nothing may stand on the line\n", reader->path,
                reader->line, (int)section.len, section.at);
        return false;
    }
    if (section.len > SECTION_BYTES_MAX) {
        fprintf(report, "%s:%u: a section's name has at most %u bytes\n", reader->path,
                reader->line, SECTION_BYTES_MAX);
        return false;
    }
    return fits_inih(reader, text, len, report);
}

/* The next line, without white space at its front: an indented setting is a setting, not a
 * continuation of the one before. NULL at the end. */
static const char *next_line(struct ini_reader *reader, size_t *len)
{
    if (reader->at == reader->end)
        return NULL;
    const char *newline = memchr(reader->at, '\n', (size_t)(reader->end - reader->at));
    const char *next = newline != NULL ? newline + 1 : reader->end;
    const char *text = reader->at;

    while (text < next && (*text == ' ' || *text == '\t'))
        text++;
    *len = (size_t)(next - text);
    reader->at = next;
    reader->line++;
    return text;
}

/* Checks all lines; *longest becomes the longest one's length. */
static bool check_lines(struct ini_reader reader, size_t *longest, FILE *report)
{
    const char *text;
    size_t len;
    bool valid = true;

    *longest = 0;
    while ((text = next_line(&reader, &len)) != NULL) {
        valid = check_line(&reader, text, len, report) && valid;
        if (len > *longest)
            *longest = len;
    }
    return valid;
}

/* ---- inih's callbacks ---- */

/* inih tells of a section only when a setting follows: one without is told from its line. */
static void announce_section(const struct ini_reader *reader, const char *text, size_t len)
{
    char section[SECTION_BYTES_MAX + 1];
    struct slice name = section_of(text, len);

    if (name.at == NULL)
        return;
    memcpy(section, name.at, name.len);
    section[name.len] = '\0';
    reader->handler(reader->context, section, NULL, NULL, reader->line);
}

static char *give_line(char *into, int cap, void *context)
{
    struct ini_reader *reader = context;
    size_t len;
    const char *text = next_line(reader, &len);

    if (text == NULL || len >= (size_t)cap)
        return NULL;
    announce_section(reader, text, len);
    memcpy(into, text, len);
    into[len] = '\0';
    return into;
}

static int take_setting(void *context, const char *section, const char *name, const char *value)
{
    struct ini_reader *reader = context;

    reader->handler(reader->context, section, name, value, reader->line);
    return 1;
}

static void set_inih_limits(size_t longest)
{
#ifdef INIH_RUNTIME_LIMITS
    ini_use_stack = false;
    ini_allow_realloc = false;
    ini_max_line = (int)longest + LINE_OVERHEAD;
    ini_initial_alloc = ini_max_line;
    ini_allow_inline_comments = false;
    ini_allow_multiline = false;
    ini_stop_on_first_error = false; /* so that all settings are looked at */
#else
    (void)longest;
#endif
}

bool ini_file_read(const char *path, ini_file_handler *handler, void *context, FILE *report)
{
    size_t len;
    size_t longest;
    char *content = read_file(path, &len);

    if (content == NULL) {
        fprintf(report, "%s: cannot read: %s%s\n", path, strerror(errno), privileges_advice(errno));
        return false;
    }
    struct ini_reader reader = {
        .path = path,
        .at = content,
        .end = content + len,
        .handler = handler,
        .context = context,
    };
    if (len >= strlen(BYTE_ORDER_MARK) && memcmp(content, BYTE_ORDER_MARK, 3) == 0)
        reader.at += strlen(BYTE_ORDER_MARK);
    bool valid = check_lines(reader, &longest, report);
    if (valid) {
        set_inih_limits(longest);
        int fault = ini_parse_stream(give_line, &reader, take_setting, &reader);
        valid = fault == 0;
        if (fault > 0)
            fprintf(report, "%s:%d: neither a [section], a setting (name = value) nor a comment\n",
                    path, fault);
        else if (fault < 0)
            fprintf(report, "%s: out of memory\n", path);
    }
    explicit_bzero(content, len); /* it may hold secrets */
    free(content);
    return valid;
}
