/* http_head: the strict parser of request and response heads. */
#include "http_head.h"

#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "http_field.h"

#define VERSION_BYTES 8u /* HTTP/1.1 */

void http_head_init(struct http_head *head, enum http_kind kind, struct http_limits limits)
{
    *head = (struct http_head){.kind = kind, .limits = limits};
}

bool http_head_has_begun(const struct http_head *head)
{
    return head->start_line_bytes > 0 || head->seen > head->line;
}

static enum http_progress bad(struct http_head *head, unsigned status, const char *detail)
{
    head->is_too_large = status == 431;
    head->fault = (struct http_fault){head->kind == HTTP_REQUEST ? status : 502, detail};
    return HTTP_BAD;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* HTTP-version (RFC 9112 2.3): case-sensitive, one digit each. */
static enum http_progress parse_version(struct http_head *head, struct slice version)
{
    if (version.len != VERSION_BYTES || memcmp(version.at, "HTTP/", 5) != 0 ||
        !is_digit(version.at[5]) || version.at[6] != '.' || !is_digit(version.at[7]))
        return bad(head, 400, "the start line has no valid HTTP version");
    if (version.at[5] != '1')
        return bad(head, 505, "only HTTP/1.0 and HTTP/1.1 are served");
    head->minor = (unsigned)(version.at[7] - '0');
    return HTTP_PARTIAL;
}

static enum http_progress check_method(struct http_head *head, struct slice method)
{
    if (!http_is_token(method))
        return bad(head, 400, "the method is not a token");
    if (method.len > HTTP_METHOD_BYTES_MAX)
        return bad(head, 501, "the method is longer than any that is known");
    return HTTP_PARTIAL;
}

/* request-line = method SP request-target SP HTTP-version (RFC 9112 3). */
static enum http_progress parse_request_line(struct http_head *head, struct slice line)
{
    const char *end = line.at + line.len;
    const char *first = memchr(line.at, ' ', line.len);
    if (first == NULL)
        return bad(head, 400, "the request line is not: method, target, version");
    const char *second = memchr(first + 1, ' ', (size_t)(end - (first + 1)));

    head->method = (struct slice){line.at, (size_t)(first - line.at)};
    enum http_progress progress = check_method(head, head->method);
    if (progress != HTTP_PARTIAL)
        return progress;
    if (second == NULL)
        return bad(head, 400, "the request line is not: method, target, version");
    head->target = (struct slice){first + 1, (size_t)(second - (first + 1))};
    if (head->target.len > head->limits.target_bytes)
        return bad(head, 414, "the request target is longer than the limit");
    return parse_version(head, (struct slice){second + 1, (size_t)(end - (second + 1))});
}

/* status-line = HTTP-version SP status-code SP [ reason-phrase ] (RFC 9112 4). The second SP may
 * be missing with the phrase: many servers leave both out. */
static enum http_progress parse_status_line(struct http_head *head, struct slice line)
{
    if (line.len < VERSION_BYTES + 4 || line.at[VERSION_BYTES] != ' ')
        return bad(head, 502, "the status line is not: version, status code, reason");
    enum http_progress progress = parse_version(head, (struct slice){line.at, VERSION_BYTES});
    if (progress != HTTP_PARTIAL)
        return progress;

    unsigned long long status;
    const char *code = line.at + VERSION_BYTES + 1;
    if (!slice_to_number((struct slice){code, 3}, 999, &status) || status < 100)
        return bad(head, 502, "the status code is not three digits from 100");
    if (line.len > VERSION_BYTES + 4 && code[3] != ' ')
        return bad(head, 502, "the status line is not: version, status code, reason");
    head->status = (unsigned)status;
    head->reason = line.len > VERSION_BYTES + 4
                       ? (struct slice){code + 4, line.len - VERSION_BYTES - 5}
                       : (struct slice){code + 3, 0};
    return HTTP_PARTIAL;
}

static enum http_progress parse_start_line(struct http_head *head, struct slice line)
{
    return head->kind == HTTP_REQUEST ? parse_request_line(head, line)
                                      : parse_status_line(head, line);
}

/* field-line = field-name ":" OWS field-value OWS (RFC 9112 5). */
static enum http_progress check_field_line(struct http_head *head, struct slice line)
{
    if (line.at[0] == ' ' || line.at[0] == '\t')
        return bad(head, 400, "a field line begins with white space");
    const char *colon = memchr(line.at, ':', line.len);
    if (colon == NULL)
        return bad(head, 400, "a field line has no colon");
    if (!http_is_token((struct slice){line.at, (size_t)(colon - line.at)}))
        return bad(head, 400, "a field name is not a token");
    if (++head->field_count > head->limits.fields)
        return bad(head, 431, "the head has more fields than the limit");
    return HTTP_PARTIAL;
}

/* Fills in what points into the octets, now that they will not move any more. */
static enum http_progress complete(struct http_head *head, const char *at)
{
    head->length = head->seen;
    head->fields = (struct slice){at + head->field_section, head->line - head->field_section};
    parse_start_line(head, (struct slice){at + head->start_line, head->start_line_bytes});
    return HTTP_COMPLETE;
}

/* One whole line, without its CRLF; head->seen stands behind the CRLF. */
static enum http_progress take_line(struct http_head *head, const char *at, struct slice line)
{
    enum http_progress progress;

    if (head->seen > head->limits.head_bytes)
        return bad(head, 431, "the head is longer than the limit");
    if (head->start_line_bytes > 0) {
        if (line.len == 0)
            return complete(head, at);
        progress = check_field_line(head, line);
    } else if (line.len == 0) {
        if (head->kind == HTTP_RESPONSE || ++head->empty_lines > HTTP_EMPTY_LINES_MAX)
            return bad(head, 400, "empty lines stand before the start line");
        progress = HTTP_PARTIAL;
    } else {
        progress = parse_start_line(head, line);
        head->start_line = head->line;
        head->start_line_bytes = line.len;
        head->field_section = head->seen;
    }
    head->line = head->seen;
    return progress;
}

/* Looks at the octet at head->seen of a request line that has not ended: what no further octet
 * could make right is refused at once, at the same octet however the octets come in. */
static enum http_progress check_request_line(struct http_head *head, const char *at)
{
    size_t offset = head->seen - head->line;
    bool is_space = at[head->seen] == ' ';

    if (head->method_bytes == 0) {
        if (is_space && offset == 0)
            return bad(head, 400, "the request line begins with a space");
        if (is_space)
            head->method_bytes = offset;
        else if (offset >= HTTP_METHOD_BYTES_MAX)
            return check_method(head, (struct slice){at + head->line, offset + 1});
    } else if (!head->target_ended) {
        head->target_ended = is_space;
        if (!is_space && offset - head->method_bytes - 1 >= head->limits.target_bytes)
            return bad(head, 414, "the request target is longer than the limit");
    }
    return HTTP_PARTIAL;
}

/* A request's octets must be field content; a response's may hold other control octets, which
 * RFC 9110 5.5 allows to be retained, but no NUL. */
static bool is_allowed(const struct http_head *head, char c)
{
    return http_is_content_octet(c) || (head->kind == HTTP_RESPONSE && c != '\0');
}

/* Looks at the octet at head->seen, which does not end a line. */
static enum http_progress check_octet(struct http_head *head, const char *at)
{
    if (at[head->seen] == '\n')
        return bad(head, 400, "a line ends in a bare LF");
    if (!is_allowed(head, at[head->seen]))
        return bad(head, 400, "the head holds a control octet");
    if (head->kind == HTTP_REQUEST && head->start_line_bytes == 0)
        return check_request_line(head, at);
    return HTTP_PARTIAL;
}

/* Whether one of eight octets may be no field content: a control octet, be it a tab. Each octet by
 * itself, in one word: below 0x20 the subtraction borrows into its highest bit, which it has not
 * set; DEL is what is zero behind the exclusive or. */
static bool may_hold_control(const char *at)
{
    const uint64_t each = UINT64_MAX / UCHAR_MAX; /* 0x01 in each octet */
    uint64_t octets;

    memcpy(&octets, at, sizeof octets);
    uint64_t without_del = octets ^ each * 0x7F;
    uint64_t below = (octets - each * 0x20) & ~octets;
    uint64_t del = (without_del - each) & ~without_del;
    return ((below | del) & each * 0x80) != 0;
}

/* How many octets at the start are field content: most of a head, and most of the work of reading
 * it. */
static size_t count_content(const char *at, size_t len)
{
    size_t count = 0;

    while (len - count >= sizeof(uint64_t) && !may_hold_control(at + count))
        count += sizeof(uint64_t);
    while (count < len && http_is_content_octet(at[count]))
        count++;
    return count;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Passes the octets that need no closer look: plain ones, which no head forbids, where nothing
 * depends on where they stand: in field lines, in a status line, and within a request target. */
static void pass_plain(struct http_head *head, const char *at, size_t len)
{
    size_t end = smaller(len, head->limits.head_bytes);
    bool is_in_target = false;

    if (head->kind == HTTP_REQUEST && head->start_line_bytes == 0) {
        is_in_target = head->method_bytes > 0 && !head->target_ended;
        if (!is_in_target)
            return;
        end = smaller(end, head->line + head->method_bytes + 1 + head->limits.target_bytes);
    }
    if (head->seen >= end)
        return;
    size_t plain = count_content(at + head->seen, end - head->seen);
    const char *space = is_in_target ? memchr(at + head->seen, ' ', plain) : NULL;
    head->seen += space != NULL ? (size_t)(space - (at + head->seen)) : plain;
}

enum http_progress http_head_parse(struct http_head *head, const char *at, size_t len)
{
    enum http_progress progress = HTTP_PARTIAL;

    while (progress == HTTP_PARTIAL && head->seen < len) {
        pass_plain(head, at, len);
        if (head->seen == len)
            break;
        if (head->seen >= head->limits.head_bytes)
            return bad(head, 431, "the head is longer than the limit");
        if (at[head->seen] != '\r') {
            progress = check_octet(head, at);
            head->seen++;
            continue;
        }
        if (head->seen + 1 == len)
            break;
        if (at[head->seen + 1] != '\n')
            return bad(head, 400, "a CR stands without LF");
        struct slice line = {at + head->line, head->seen - head->line};
        head->seen += 2;
        progress = take_line(head, at, line);
    }
    return progress;
}
