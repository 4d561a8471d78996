/* http_request: what a parsed request head means. */
#include "http_request.h"

#include <arpa/inet.h>
#include <string.h>

#include "http_field.h"

static bool refuse(struct http_fault *fault, unsigned status, const char *detail)
{
    *fault = (struct http_fault){status, detail};
    return false;
}

static bool is_method(const struct http_request *request, const char *name)
{
    return slice_equals(request->method, slice_of(name));
}

/* ---- target and authority (RFC 9112 3.2, RFC 3986 3.2) ---- */

static bool is_port(struct slice port)
{
    unsigned long long number;

    return port.len == 0 || slice_to_number(port, 65535, &number);
}

static bool is_ip_literal(struct slice inside)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr address;

    if (inside.len >= sizeof text || memchr(inside.at, '\0', inside.len) != NULL)
        return false;
    memcpy(text, inside.at, inside.len);
    text[inside.len] = '\0';
    return inet_pton(AF_INET6, text, &address) == 1;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* reg-name, less the comma: it would read as a list of hosts. */
static bool is_reg_name(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        if (c == '%') {
            if (i + 2 >= name.len || !is_hex(name.at[i + 1]) || !is_hex(name.at[i + 2]))
                return false;
        } else if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
                   (c == '\0' || strchr("-._~!$&'()*+;=", c) == NULL)) {
            return false;
        }
    }
    return name.len > 0;
}

bool http_is_authority(struct slice s)
{
    if (s.len > 0 && s.at[0] == '[') {
        const char *close = memchr(s.at, ']', s.len);
        if (close == NULL)
            return false;
        struct slice rest = {close + 1, (size_t)(s.at + s.len - (close + 1))};
        return is_ip_literal((struct slice){s.at + 1, (size_t)(close - s.at) - 1}) &&
               (rest.len == 0 ||
                (rest.at[0] == ':' && is_port((struct slice){rest.at + 1, rest.len - 1})));
    }
    const char *colon = s.len > 0 ? memchr(s.at, ':', s.len) : NULL;
    if (colon == NULL)
        return is_reg_name(s);
    return is_reg_name((struct slice){s.at, (size_t)(colon - s.at)}) &&
           is_port((struct slice){colon + 1, (size_t)(s.at + s.len - (colon + 1))});
}

/* Octets that a target may hold: visible ASCII, and no fragment. */
static bool has_target_octets(struct slice target)
{
    for (size_t i = 0; i < target.len; i++)
        if (target.at[i] <= 0x20 || target.at[i] >= 0x7F || target.at[i] == '#')
            return false;
    return target.len > 0;
}

/* The length of "http://" or "https://" at the front, 0 without. */
static size_t scheme_length(struct slice target)
{
    static const char *const schemes[] = {"http://", "https://"};

    for (size_t i = 0; i < 2; i++)
        if (slice_begins_nocase(target, schemes[i]))
            return strlen(schemes[i]);
    return 0;
}

/* absolute-form becomes origin-form; its authority overrides Host (RFC 9112 3.2.2). */
static bool read_absolute_form(struct http_request *request, struct slice target,
                               struct http_fault *fault)
{
    size_t scheme = scheme_length(target);
    if (scheme == 0)
        return refuse(fault, 400, "the request target has no form that is served");

    struct slice rest = {target.at + scheme, target.len - scheme};
    size_t authority = 0;
    while (authority < rest.len && rest.at[authority] != '/' && rest.at[authority] != '?')
        authority++;
    request->authority = (struct slice){rest.at, authority};
    if (!http_is_authority(request->authority))
        return refuse(fault, 400, "the request target's authority is not host[:port]");

    request->target = (struct slice){rest.at + authority, rest.len - authority};
    if (request->target.len == 0 && is_method(request, "OPTIONS"))
        request->target = slice_of("*"); /* RFC 9112 3.2.4 */
    else
        request->rootless = request->target.len == 0 || request->target.at[0] == '?';
    return true;
}

static bool read_target(struct http_request *request, struct http_fault *fault)
{
    struct slice target = request->raw_target;

    if (!has_target_octets(target))
        return refuse(fault, 400, "the request target holds an octet that no URI may hold");
    request->target = target;
    if (target.at[0] == '/')
        return true;
    if (slice_equals(target, slice_of("*")))
        return is_method(request, "OPTIONS") ||
               refuse(fault, 400, "the target * goes with OPTIONS only");
    return read_absolute_form(request, target, fault);
}

/* ---- fields ---- */

/* Offers of HTTP or TLS itself are not tunnelled: what follows would pass unseen, without the
 * injected fields. Ignoring an Upgrade is always allowed (RFC 9110 7.8). */
bool http_is_tunnelled(struct slice protocol)
{
    static const char *const refused[] = {"h2c", "HTTP/", "TLS/"};

    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        if (slice_begins_nocase(protocol, refused[i]))
            return false;
    return protocol.len > 0;
}

/* What is gathered while the fields are read. */
struct reading {
    struct http_connection connection;
    bool offers_protocol;
    unsigned hosts;
    unsigned max_forwards;
};

static bool read_expect(struct slice value, struct http_request *request, struct http_fault *fault)
{
    if (request->minor == 0)
        return true; /* RFC 9110 10.1.1 */
    if (!slice_equals_nocase(value, slice_of("100-continue")))
        return refuse(fault, 417, "an expectation other than 100-continue is not met");
    request->expects_100 = true;
    return true;
}

static void read_te(struct slice value, struct http_request *request)
{
    struct slice element;

    while (http_list_next(&value, &element))
        if (slice_equals_nocase(element, slice_of("trailers")))
            request->accepts_trailers = true;
}

static void read_upgrade(struct slice value, struct reading *reading)
{
    struct slice protocol;

    while (http_list_next(&value, &protocol))
        if (http_is_tunnelled(protocol))
            reading->offers_protocol = true;
}

static bool read_host(struct slice value, struct http_request *request, struct http_fault *fault)
{
    if (!http_is_authority(value))
        return refuse(fault, 400, "Host is not host[:port]");
    if (request->authority.len == 0)
        request->authority = value;
    return true;
}

static bool read_max_forwards(struct slice value, struct http_request *request,
                              struct reading *reading, struct http_fault *fault)
{
    if (!is_method(request, "OPTIONS"))
        return true;
    if (++reading->max_forwards > 1)
        return refuse(fault, 400, "Max-Forwards stands more than once");
    request->has_max_forwards = slice_to_number(value, HTTP_LENGTH_MAX, &request->max_forwards);
    return true;
}

/* A target that reads names as CGI does would take such a field for framing. */
static bool check_other(struct slice name, struct http_fault *fault)
{
    if (http_resembles_framing(name))
        return refuse(fault, 400, "a field's name could be taken for that of a framing field");
    return true;
}

static bool read_field(const struct http_field *field, struct http_request *request,
                       struct reading *reading, struct http_fault *fault)
{
    switch (field->id) {
    case HTTP_FIELD_CONNECTION:
        return http_connection_read(field->value, &reading->connection) ||
               refuse(fault, 400, "Connection names too many fields");
    case HTTP_FIELD_AUTHORIZATION:
        request->has_authorization = true;
        return true;
    case HTTP_FIELD_EXPECT:
        return read_expect(field->value, request, fault);
    case HTTP_FIELD_HOST:
        reading->hosts++;
        return read_host(field->value, request, fault);
    case HTTP_FIELD_MAX_FORWARDS:
        return read_max_forwards(field->value, request, reading, fault);
    case HTTP_FIELD_TE:
        read_te(field->value, request);
        return true;
    case HTTP_FIELD_UPGRADE:
        read_upgrade(field->value, reading);
        return true;
    case HTTP_FIELD_OTHER:
        browser_note(&request->browser, field);
        return check_other(field->name, fault);
    default:
        return true;
    }
}

/* What the fields mean together. */
static void conclude(struct http_request *request, const struct reading *reading)
{
    const struct http_connection *connection = &reading->connection;

    request->nominations = connection->nominations;
    request->has_host = reading->hosts == 1;
    request->keep_alive = !connection->close && (request->minor > 0 || connection->keep_alive);
    request->upgrades = request->minor > 0 && connection->upgrade && reading->offers_protocol;
    if (http_is_nominated(&request->nominations, slice_of("Expect")))
        request->expects_100 = false; /* it ends here */
    if (http_is_nominated(&request->nominations, slice_of("Max-Forwards")))
        request->has_max_forwards = false;
}

static bool read_fields(struct http_request *request, struct http_fault *fault)
{
    struct reading reading = {0};
    struct slice fields = request->fields;
    struct http_field field;

    while (http_field_next(&fields, &field))
        if (!read_field(&field, request, &reading, fault))
            return false;
    if (reading.hosts > 1)
        return refuse(fault, 400, "Host stands more than once");
    if (reading.hosts == 0 && request->minor > 0)
        return refuse(fault, 400, "Host is missing");
    conclude(request, &reading);
    return true;
}

static bool read_framing(struct http_request *request, struct http_fault *fault)
{
    struct http_framing_fields found;

    if (!http_framing_read(request->fields, request->minor, &found, fault))
        return false;
    if (found.has_coding)
        request->framing = HTTP_FRAMING_CHUNKED;
    else if (found.has_length)
        request->framing = HTTP_FRAMING_LENGTH;
    request->length = found.length;
    request->has_content = found.has_coding || found.length > 0;
    return true;
}

bool http_request_read(const struct http_head *head, struct http_request *request,
                       struct http_fault *fault)
{
    *request = (struct http_request){
        .method = head->method,
        .fields = head->fields,
        .minor = head->minor > 0 ? 1 : 0,
        .raw_target = head->target,
    };
    request->is_head = is_method(request, "HEAD");
    request->is_safe =
        request->is_head || is_method(request, "GET") || is_method(request, "OPTIONS");

    if (is_method(request, "CONNECT") || is_method(request, "TRACE"))
        return refuse(fault, 405, "CONNECT and TRACE are not served");
    return read_target(request, fault) && read_framing(request, fault) &&
           read_fields(request, fault);
}

bool http_request_ends_here(const struct http_request *request)
{
    return request->has_max_forwards && request->max_forwards == 0;
}

bool http_request_offers(const struct http_request *request, struct slice protocol)
{
    struct slice fields = request->fields;
    struct http_field field;
    struct slice offered;

    if (!http_is_tunnelled(protocol))
        return false;
    while (http_field_next(&fields, &field)) {
        if (field.id != HTTP_FIELD_UPGRADE)
            continue;
        while (http_list_next(&field.value, &offered))
            if (slice_equals_nocase(offered, protocol))
                return true;
    }
    return false;
}
