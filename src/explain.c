/* explain: what the bridge would make of a request, told line by line with the reasons.
 *
 * The request goes through the parser and the rewriter that serve requests. What came out is then
 * compared with what went in, and only the reasons are found here. */
#include "explain.h"

#include <stdlib.h>
#include <string.h>

#include "admission.h"
#include "answer.h"
#include "explain_cause.h"
#include "http_head.h"
#include "http_request.h"
#include "localhost.h"
#include "log.h"
#include "rewrite.h"

#define CAUSE_COLUMN 40
#define WIDTH        80

struct explanation {
    const struct config_route *route;
    const struct http_request *request;
    FILE *out;
    struct slice sent; /* field lines of the head for the target that have not been shown */
    size_t sent_count; /* how many they are */
    size_t configured; /* how many of them, the last ones, come from the configuration */
};

/* ---- printing ---- */

/* One line of a head, with its mark and what caused it, beside it where there is room. */
static void show(const struct explanation *e, char mark, struct slice line, const char *cause)
{
    size_t len = line.len;

    while (len > 0 && (line.at[len - 1] == '\n' || line.at[len - 1] == '\r'))
        len--;
    fprintf(e->out, "%c %.*s", mark, (int)len, line.at);
    if (cause[0] != '\0' && len + 4 <= CAUSE_COLUMN && CAUSE_COLUMN + 2 + strlen(cause) <= WIDTH)
        fprintf(e->out, "%*s; %s", (int)(CAUSE_COLUMN - len - 2), "", cause);
    else if (cause[0] != '\0')
        fprintf(e->out, "\n      ; %s", cause);
    fputc('\n', e->out);
}

static struct slice first_line(struct slice head)
{
    const char *end = memchr(head.at, '\n', head.len);

    return end != NULL ? (struct slice){head.at, (size_t)(end - head.at) + 1} : head;
}

/* ---- comparing ---- */

static bool peek_sent(const struct explanation *e, struct http_field *field)
{
    struct slice rest = e->sent;

    return http_field_next(&rest, field);
}

static void take_sent(struct explanation *e)
{
    struct http_field field;

    if (http_field_next(&e->sent, &field))
        e->sent_count--;
}

/* A field that the client sent: it went on, was changed, or was taken out. Those that the
 * configuration sets come last, and are none of the client's even under the same name. */
static void compare_field(struct explanation *e, const struct http_field *field)
{
    char cause[EXPLAIN_CAUSE_BYTES] = "";
    struct http_field sent;

    if (e->sent_count > e->configured && peek_sent(e, &sent) &&
        slice_equals(sent.name, field->name)) {
        bool same = slice_equals(sent.line, field->line);
        if (!same)
            explain_cause_of_change(e->route, field, cause);
        show(e, same ? ' ' : '~', sent.line, cause);
        take_sent(e);
        return;
    }
    explain_cause_of_removal(e->route, e->request, field, cause);
    show(e, '-', field->line, cause);
}

static void show_added_host(struct explanation *e)
{
    char cause[EXPLAIN_CAUSE_BYTES];
    struct http_field sent;

    if (e->request->has_host || !peek_sent(e, &sent))
        return;
    explain_cause_of_host(e->route, cause);
    show(e, '+', sent.line, cause);
    take_sent(e);
}

/* What stands behind the client's fields: the bridge's own for the connection, and the configured.
 */
static void show_added(struct explanation *e)
{
    char cause[EXPLAIN_CAUSE_BYTES];
    struct http_field sent;

    while (peek_sent(e, &sent)) {
        explain_cause_of_addition(e->route, sent.name, e->sent_count <= e->configured, cause);
        show(e, '+', sent.line, cause);
        take_sent(e);
    }
}

static void show_request_line(const struct explanation *e, struct slice came, struct slice sent)
{
    const struct http_request *request = e->request;
    char cause[2 * EXPLAIN_CAUSE_BYTES] = "";
    char place[CONFIG_PLACE_BYTES];

    if (slice_equals(came, sent)) {
        show(e, ' ', sent, "");
        return;
    }
    if (e->route->target->base_path[0] != '\0' && request->target.at[0] != '*')
        explain_cause_of_setting(e->route, "target", cause);
    size_t len = strlen(cause);
    if (e->route->strip_path) {
        config_place_of_route(e->route, "strip_path", place);
        len += (size_t)snprintf(cause + len, sizeof cause - len, "%s%s, strip_path",
                                len > 0 ? "; " : "", place);
    }
    if (!slice_equals(request->target, request->raw_target))
        len += (size_t)snprintf(cause + len, sizeof cause - len, "%sthe path alone goes on",
                                len > 0 ? "; " : "");
    if (memmem(came.at, came.len, " HTTP/1.1\r", 10) == NULL)
        snprintf(cause + len, sizeof cause - len, "%salways sent as HTTP/1.1", len > 0 ? "; " : "");
    show(e, '~', sent, cause);
}

static size_t count_fields(struct slice lines)
{
    struct http_field field;
    size_t count = 0;

    while (http_field_next(&lines, &field))
        count++;
    return count;
}

static size_t count_configured(const struct config_fields *fields)
{
    size_t count = 0;

    for (size_t i = 0; i < fields->count; i++)
        count += fields->items[i].removes ? 0 : 1;
    return count;
}

static void show_target(const struct explanation *e)
{
    char cause[EXPLAIN_CAUSE_BYTES];

    explain_cause_of_setting(e->route, "target", cause);
    fprintf(e->out, "The target gets this, over %s:\n  %s    ; %s\n\n",
            e->route->target->unix_path != NULL ? "a Unix socket"
            : e->route->target->is_https        ? "TLS"
                                                : "TCP without TLS",
            e->route->target->name, cause);
}

static void show_content(const struct explanation *e)
{
    if (e->request->framing == HTTP_FRAMING_CHUNKED)
        fputs("\nThe content follows in chunks of other sizes, without chunk extensions.\n",
              e->out);
    else if (e->request->has_content)
        fprintf(e->out, "\n%llu octets of content follow as they come.\n", e->request->length);
}

/* Without the empty lines that may stand before a request. */
static struct slice drop_empty_lines(struct slice head)
{
    while (head.len > 0 && (head.at[0] == '\r' || head.at[0] == '\n'))
        head = (struct slice){head.at + 1, head.len - 1};
    return head;
}

/* came and sent are whole heads; the fields of sent begin behind its first line. */
static void compare(struct explanation *e, struct slice came, struct slice sent)
{
    struct slice fields = e->request->fields;
    struct http_field field;
    size_t line = first_line(sent).len;

    e->sent = (struct slice){sent.at + line, sent.len - line - 2};
    e->sent_count = count_fields(e->sent);
    e->configured = count_configured(&e->route->request_fields);
    show_target(e);
    show_request_line(e, first_line(drop_empty_lines(came)), first_line(sent));
    show_added_host(e);
    while (http_field_next(&fields, &field))
        compare_field(e, &field);
    show_added(e);
    show_content(e);
    fputs("\n  as it came   ~ changed   - taken out   + added\n", e->out);
}

/* ---- the request ---- */

/* The version at a request line's end; NULL without. */
static const char *version_of(const char *line)
{
    const char *last = strrchr(line, ' ');

    return last != NULL && strncmp(last + 1, "HTTP/", 5) == 0 ? last + 1 : NULL;
}

/* HTTP/1.0 clients send none (RFC 9112 3.2). */
static bool expects_host(const char *version)
{
    return version == NULL || strcmp(version, "HTTP/1.0") != 0;
}

static bool has_host(const struct explain_request *asked)
{
    for (size_t i = 0; i < asked->field_count; i++)
        if (strncasecmp(asked->fields[i], "Host:", 5) == 0)
            return true;
    return false;
}

/* How a client reaches the bridge. */
static const char *own_authority(const struct config *config, char text[ADDRESS_TEXT_BYTES])
{
    address_format(&config->listen[0].address, text);
    return address_is_unix(&config->listen[0].address) ? "localhost" : text;
}

static void add_client_host(const struct config *config, struct buffer *head)
{
    char text[ADDRESS_TEXT_BYTES];

    buffer_add_text(head, "Host: ");
    buffer_add_text(head, own_authority(config, text));
    buffer_add_text(head, "\r\n");
}

/* The head that a client would send: with HTTP/1.1 and a Host unless they are given. */
static bool build_head(const struct explain_request *asked, const struct config *config,
                       struct buffer *head)
{
    const char *version = version_of(asked->line);
    size_t bytes = strlen(asked->line) + ADDRESS_TEXT_BYTES + 32;

    for (size_t i = 0; i < asked->field_count; i++)
        bytes += strlen(asked->fields[i]) + 2;
    if (!buffer_init(head, bytes))
        return false;
    buffer_add_text(head, asked->line);
    buffer_add_text(head, version != NULL ? "\r\n" : " HTTP/1.1\r\n");
    if (expects_host(version) && !has_host(asked))
        add_client_host(config, head);
    for (size_t i = 0; i < asked->field_count; i++) {
        buffer_add_text(head, asked->fields[i]);
        buffer_add_text(head, "\r\n");
    }
    buffer_add_text(head, "\r\n");
    return !head->overflowed;
}

static bool mask_fields(const struct config_fields *fields)
{
    for (size_t i = 0; i < fields->count; i++)
        if (!fields->items[i].removes && !value_mask(&fields->items[i].value))
            return false;
    return true;
}

static bool mask(struct config *config)
{
    bool masked = mask_fields(&config->request_fields);

    for (size_t i = 0; i < config->section_count; i++)
        masked = mask_fields(&config->sections[i].request_fields) && masked;
    return masked && config_routes_merge(config);
}

static enum explain_result refuse(FILE *out, unsigned status, const char *detail)
{
    fprintf(out, "Refused, nothing goes to the target. The client gets:\n  %u %s: %s\n", status,
            answer_reason(status), detail);
    return EXPLAIN_REFUSED;
}

static enum explain_result fail(void)
{
    log_error("out of memory");
    return EXPLAIN_FAILED;
}

static enum explain_result explain_rewrite(const struct config_route *route,
                                           const struct http_request *request, struct slice came,
                                           FILE *out)
{
    struct explanation e = {.route = route, .request = request, .out = out};
    struct value_context context = explain_any_client;
    char text[ADDRESS_TEXT_BYTES];
    struct origin own = {.authority = slice_of(own_authority(route->config, text))};
    struct mapping mapping;
    struct buffer sent;

    if (localhost_begin(route, request, own, &mapping))
        context.mapping = &mapping;

    if (!buffer_init(&sent, came.len + REWRITE_EXTRA_BYTES +
                                config_fields_bytes_max(&route->request_fields)))
        return fail();
    bool fits = rewrite_request(request, route, &context, &sent);
    if (fits)
        compare(&e, came, buffer_content(&sent));
    buffer_free(&sent);
    return fits ? EXPLAIN_SENT : refuse(out, 502, "the rewritten request head is too long");
}

/* Which route it is, and what of the request decided that; nothing where there is one for all. */
static void show_route(const struct config_route *route, FILE *out)
{
    char place[CONFIG_PLACE_BYTES];

    if (route->config->section_count == 0)
        return;
    if (route->section == NULL) {
        fputs("No route is for it: it goes where all others go.\n", out);
        return;
    }
    fprintf(out, "It takes the route %s:\n", route->name);
    if (route->match_host != NULL) {
        config_place_of_route(route, "host", place);
        fprintf(out, "  Host is %s    ; %s\n", route->match_host, place);
    }
    if (route->match_path != NULL) {
        config_place_of_route(route, "path", place);
        fprintf(out, "  the path is %s, or below it    ; %s\n", route->match_path, place);
    }
    fputc('\n', out);
}

static enum explain_result explain_head(const struct config *config, struct slice came, FILE *out)
{
    struct http_request request;
    struct address local = config->listen[0].address;
    struct admission admission = {
        .config = config,
        .request = &request,
        .fd = -1,
        .local = &local,
        .client_allowed = true,
        .is_supposed = true,
    };
    struct http_head head;
    struct http_fault bad;
    struct fault fault;

    http_head_init(&head, HTTP_REQUEST, config_request_limits(config));
    switch (http_head_parse(&head, came.at, came.len)) {
    case HTTP_BAD:
        return refuse(out, head.fault.status, head.fault.detail);
    case HTTP_PARTIAL:
        return refuse(out, 400, "the connection ended within the request head");
    case HTTP_COMPLETE:
        break;
    }
    if (!http_request_read(&head, &request, &bad))
        return refuse(out, bad.status, bad.detail);
    bool admitted = admission_judge(&admission, &fault);
    if (admission.route != NULL)
        show_route(admission.route, out);
    if (!admitted)
        return refuse(out, fault.status, fault.detail);
    if (admission.is_preflight) {
        fputs(
            "Answered by the bridge with 204: a preflight of an origin in [cors]. Nothing goes to "
            "the target.\n",
            out);
        return EXPLAIN_SENT;
    }
    if (admission.route != NULL && admission.route->guard != NULL)
        request.upgrades = false;
    if (admission.route == NULL || http_request_ends_here(&request)) {
        fprintf(out, "Answered by the bridge with 200: %s. Nothing goes to the target.\n",
                admission.route == NULL ? "no route is for the server as a whole"
                                        : "Max-Forwards is 0");
        return EXPLAIN_SENT;
    }
    return explain_rewrite(admission.route, &request, came, out);
}

enum explain_result explain_request(struct config *config, const struct explain_request *asked,
                                    FILE *out)
{
    struct buffer came;

    if (!mask(config) || !build_head(asked, config, &came))
        return fail();
    enum explain_result result = explain_head(config, buffer_content(&came), out);
    buffer_free(&came);
    return result;
}
