/* access_log: one line for each exchange. */
#include "access_log.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "http_field.h"
#include "json.h"
#include "log.h"

/* ---- what the formats have in common ---- */

/* A target or a URL as far as it may be shown. */
static struct slice shown_url(struct slice url, bool with_query)
{
    const char *query = url.len > 0 && !with_query ? memchr(url.at, '?', url.len) : NULL;

    return query != NULL ? (struct slice){url.at, (size_t)(query - url.at)} : url;
}

/* The first field of that name. false when there is none. */
static bool find_field(struct slice fields, const char *name, struct slice *value)
{
    struct http_field field;

    while (http_field_next(&fields, &field)) {
        if (!http_field_is(&field, name))
            continue;
        *value = field.value;
        return true;
    }
    return false;
}

/* Writes an octet that could spoil a line or a quotation. */
typedef void escape_octet(char escape[5], unsigned char c);

/* Appends the octets; "..." where the text would grow over max bytes. */
static void add_escaped(struct buffer *line, struct slice octets, size_t max, bool with_spaces,
                        escape_octet *write_escape)
{
    size_t end = line->end + max;
    char escape[5];

    for (size_t i = 0; i < octets.len; i++) {
        unsigned char c = (unsigned char)octets.at[i];
        if (line->end + sizeof escape > end) {
            buffer_add_text(line, "...");
            return;
        }
        if ((c > 0x20 || (c == 0x20 && with_spaces)) && c < 0x7F && c != '"' && c != '\\') {
            buffer_add(line, (struct slice){octets.at + i, 1});
        } else {
            write_escape(escape, c);
            buffer_add_text(line, escape);
        }
    }
}

/* ---- text: for people ---- */

static void escape_as_hex(char escape[5], unsigned char c)
{
    snprintf(escape, 5, "\\x%02X", c);
}

static void add_milliseconds(struct buffer *line, const char *name, long long us)
{
    char text[48];

    if (us < 0)
        snprintf(text, sizeof text, " %s=-", name);
    else
        snprintf(text, sizeof text, " %s=%lld.%lldms", name, us / 1000, us % 1000 / 100);
    buffer_add_text(line, text);
}

static void add_status(struct buffer *line, unsigned status)
{
    if (status > 0)
        buffer_add_decimal(line, status);
    else
        buffer_add_text(line, "-");
}

static void add_request_line(struct buffer *line, const struct access_exchange *exchange,
                             struct slice target, size_t target_max, escape_octet *write_escape)
{
    if (exchange->method.len == 0) {
        buffer_add_text(line, " \"-\" ");
        return;
    }
    buffer_add_text(line, " \"");
    add_escaped(line, exchange->method, ACCESS_METHOD_BYTES_MAX, false, write_escape);
    buffer_add_text(line, " ");
    add_escaped(line, target, target_max, false, write_escape);
    buffer_add_text(line, exchange->minor > 0 ? " HTTP/1.1\" " : " HTTP/1.0\" ");
}

static void write_text(const struct access_exchange *exchange, struct slice target,
                       struct buffer *line)
{
    char stamp[CLOCK_STAMP_BYTES];

    if (!log_output_is_journal()) { /* the journal has its own time stamps */
        clock_format_stamp(stamp);
        buffer_add_text(line, stamp);
        buffer_add_text(line, " ");
    }
    buffer_add_text(line, exchange->client);
    add_request_line(line, exchange, target, ACCESS_TARGET_BYTES_MAX, escape_as_hex);
    add_status(line, exchange->status);
    buffer_add_text(line, " in=");
    buffer_add_decimal(line, exchange->bytes_in);
    buffer_add_text(line, " out=");
    buffer_add_decimal(line, exchange->bytes_out);
    add_milliseconds(line, "total", exchange->total_us);
    add_milliseconds(line, "upstream", exchange->upstream_us);
    buffer_add_text(line, " id=");
    buffer_add_text(line, exchange->request_id);
    if (exchange->route != NULL) {
        buffer_add_text(line, " route=");
        buffer_add_text(line, exchange->route);
    }
    if (exchange->user.len > 0) {
        buffer_add_text(line, " user=");
        add_escaped(line, exchange->user, ACCESS_USER_BYTES_MAX, false, escape_as_hex);
    }
    if (exchange->error != NULL) {
        buffer_add_text(line, " error=");
        buffer_add_text(line, exchange->error);
    }
}

/* ---- combined: as Apache writes it, for the tools that read that ---- */

/* As ap_escape_logitem() does. */
static void escape_as_apache(char escape[5], unsigned char c)
{
    static const char plain[] = "\b\n\r\t\v\"\\";
    static const char letters[] = "bnrtv\"\\";
    const char *found = c != '\0' ? strchr(plain, c) : NULL;

    if (found != NULL)
        snprintf(escape, 5, "\\%c", letters[found - plain]);
    else
        snprintf(escape, 5, "\\x%02x", c);
}

static void add_request_field(struct buffer *line, const struct access_exchange *exchange,
                              const char *name, bool with_query, size_t max)
{
    struct slice value = {"-", 1};

    bool found = find_field(exchange->fields, name, &value);
    buffer_add_text(line, " \"");
    add_escaped(line, found ? shown_url(value, with_query) : value, max, true, escape_as_apache);
    buffer_add_text(line, "\"");
}

static void write_combined(const struct access_exchange *exchange, struct slice target,
                           bool with_query, struct buffer *line)
{
    char stamp[CLOCK_CLF_BYTES];

    clock_format_clf(exchange->total_us, stamp);
    buffer_add_text(line, exchange->client_host);
    buffer_add_text(line, " - ");
    if (exchange->user.len > 0)
        add_escaped(line, exchange->user, ACCESS_USER_BYTES_MAX, false, escape_as_apache);
    else
        buffer_add_text(line, "-");
    buffer_add_text(line, " [");
    buffer_add_text(line, stamp);
    buffer_add_text(line, "]");
    add_request_line(line, exchange, target, ACCESS_TARGET_BYTES, escape_as_apache);
    add_status(line, exchange->status);
    buffer_add_text(line, " ");
    if (exchange->bytes_out > 0)
        buffer_add_decimal(line, exchange->bytes_out);
    else
        buffer_add_text(line, "-");
    add_request_field(line, exchange, "Referer", with_query, ACCESS_REFERER_BYTES_MAX);
    add_request_field(line, exchange, "User-Agent", true, ACCESS_AGENT_BYTES_MAX);
}

/* ---- json: named as the Elastic Common Schema does, in dotted members ---- */

static void add_json_client(struct json *json, const struct access_exchange *exchange)
{
    struct slice host = slice_of(exchange->client_host);

    json_add_text(json, "client.address", host);
    if (exchange->client_port == 0)
        return;
    json_add_text(json, "client.ip", host);
    json_add_number(json, "client.port", exchange->client_port);
}

static void add_json_request(struct json *json, const struct access_exchange *exchange,
                             struct slice target, bool with_query)
{
    struct slice value;

    if (exchange->method.len > 0) {
        json_add_text_cut(json, "http.request.method", exchange->method, ACCESS_METHOD_BYTES_MAX);
        json_add_text_cut(json, "url.original", target, ACCESS_TARGET_BYTES);
        json_add_text(json, "http.version", slice_of(exchange->minor > 0 ? "1.1" : "1.0"));
    }
    if (find_field(exchange->fields, "Referer", &value))
        json_add_text_cut(json, "http.request.referrer", shown_url(value, with_query),
                          ACCESS_REFERER_BYTES_MAX);
    if (find_field(exchange->fields, "User-Agent", &value))
        json_add_text_cut(json, "user_agent.original", value, ACCESS_AGENT_BYTES_MAX);
    json_add_number(json, "http.request.body.bytes", exchange->bytes_in);
    json_add_text(json, "http.request.id", slice_of(exchange->request_id));
}

static void write_json(const struct access_exchange *exchange, struct slice target, bool with_query,
                       struct buffer *line)
{
    struct json json = {.out = line};
    char stamp[CLOCK_STAMP_BYTES];

    clock_format_stamp(stamp);
    json_begin_object(&json, NULL);
    json_add_text(&json, "@timestamp", slice_of(stamp));
    add_json_client(&json, exchange);
    add_json_request(&json, exchange, target, with_query);
    if (exchange->user.len > 0)
        json_add_text_cut(&json, "user.name", exchange->user, ACCESS_USER_BYTES_MAX);
    if (exchange->status > 0)
        json_add_number(&json, "http.response.status_code", exchange->status);
    json_add_number(&json, "http.response.body.bytes", exchange->bytes_out);
    json_add_number(&json, "event.duration", (unsigned long long)exchange->total_us * 1000);
    if (exchange->upstream_us >= 0)
        json_add_number(&json, "authbridge.upstream.duration",
                        (unsigned long long)exchange->upstream_us * 1000);
    if (exchange->route != NULL)
        json_add_text(&json, "authbridge.route", slice_of(exchange->route));
    if (exchange->error != NULL)
        json_add_text(&json, "error.type", slice_of(exchange->error));
    json_end_object(&json);
}

void access_log_write(const struct access_exchange *exchange, enum config_format format,
                      bool with_query)
{
    char space[LOG_LINE_BYTES_MAX];
    struct buffer line = {.at = space, .cap = sizeof space};
    struct slice target = shown_url(exchange->target, with_query);

    switch (format) {
    case FORMAT_TEXT:
        write_text(exchange, target, &line);
        break;
    case FORMAT_JSON:
        write_json(exchange, target, with_query, &line);
        break;
    case FORMAT_COMBINED:
        write_combined(exchange, target, with_query, &line);
        break;
    }
    buffer_add_text(&line, "\n");
    log_write_output(buffer_content(&line));
}
