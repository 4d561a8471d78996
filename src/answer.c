/* answer: the bridge's own answers. */
#include "answer.h"

#include <string.h>

#include "clock.h"
#include "http_request.h"
#include "sign_in.h"

static const struct {
    unsigned status;
    const char *reason;
} reasons[] = {
    {200, "OK"},
    {204, "No Content"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
};

const char *answer_reason(unsigned status)
{
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Error";
}

void answer_begin(unsigned status, bool close, bool keep_alive_1_0, struct buffer *out)
{
    char date[CLOCK_DATE_BYTES];

    clock_format_date(date);
    buffer_add_text(out, "HTTP/1.1 ");
    buffer_add_decimal(out, status);
    buffer_add_text(out, " ");
    buffer_add_text(out, answer_reason(status));
    buffer_add_text(out, "\r\nDate: ");
    buffer_add_text(out, date);
    buffer_add_text(out, "\r\n");
    if (close)
        buffer_add_text(out, "Connection: close\r\n");
    else if (keep_alive_1_0)
        buffer_add_text(out, "Connection: keep-alive\r\n");
}

void answer_fault(const struct fault *fault, bool is_head, bool close, bool keep_alive_1_0,
                  struct buffer *out)
{
    char space[ANSWER_BYTES_MAX];
    struct buffer content = {.at = space, .cap = sizeof space};

    buffer_add_text(&content, "authbridge: ");
    buffer_add_decimal(&content, fault->status);
    buffer_add_text(&content, " ");
    buffer_add_text(&content, answer_reason(fault->status));
    buffer_add_text(&content, ": ");
    buffer_add_text(&content, fault->detail);
    buffer_add_text(&content, "\n");

    answer_begin(fault->status, close, keep_alive_1_0, out);
    buffer_add_text(out, "Content-Type: text/plain; charset=utf-8\r\n"
                         "Cache-Control: no-store\r\n"
                         "Proxy-Status: authbridge; error=");
    buffer_add_text(out, fault->type);
    if (fault->status == 401)
        buffer_add_text(out, "\r\nWWW-Authenticate: " SIGN_IN_CHALLENGE);
    if (fault->status == 405) {
        buffer_add_text(out, "\r\nAllow: ");
        buffer_add_text(out, fault->allow != NULL ? fault->allow : HTTP_METHODS_SERVED);
    }
    if (fault->status == 503 || fault->status == 429)
        buffer_add_text(out, "\r\nRetry-After: " ANSWER_RETRY_AFTER_S);
    buffer_add_text(out, "\r\nContent-Length: ");
    buffer_add_decimal(out, buffer_length(&content));
    buffer_add_text(out, "\r\n\r\n");
    if (!is_head)
        buffer_add(out, buffer_content(&content));
}

void answer_insert(struct buffer *answer, struct slice fields)
{
    struct slice head = buffer_content(answer);
    const char *end = memchr(head.at, '\n', head.len);

    if (fields.len == 0 || end == NULL)
        return;
    if (buffer_room(answer) < fields.len) {
        answer->overflowed = true;
        return;
    }
    char *at = answer->at + (end + 1 - answer->at);
    memmove(at + fields.len, at, (size_t)(answer->at + answer->end - at));
    memcpy(at, fields.at, fields.len);
    answer->end += fields.len;
}

void answer_options(const char *allow, bool close, bool keep_alive_1_0, struct buffer *out)
{
    answer_begin(200, close, keep_alive_1_0, out);
    buffer_add_text(out, "Allow: ");
    buffer_add_text(out, allow);
    buffer_add_text(out, "\r\nContent-Length: 0\r\n\r\n");
}
