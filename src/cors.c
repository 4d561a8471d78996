/* cors: what [cors] says to the browsers of other sites' pages. */
#include "cors.h"

#include <string.h>

#define PREFIX        "Access-Control-"
#define LINES_BYTES   256u /* of the fields' names and fixed values */
#define MS_PER_SECOND 1000

bool cors_is_on(const struct config_cors *cors)
{
    return cors->origins.count > 0;
}

static bool has_text(const struct config_texts *texts, struct slice text)
{
    for (size_t i = 0; i < texts->count; i++)
        if (slice_equals(text, slice_of(texts->items[i])))
            return true;
    return false;
}

static bool is_any(const struct config_texts *texts)
{
    return has_text(texts, slice_of("*"));
}

bool cors_allows(const struct config_cors *cors, const struct http_request *request)
{
    return request->browser.origins == 1 &&
           (is_any(&cors->origins) || has_text(&cors->origins, request->browser.origin));
}

/* The first field of that name. false when there is none. */
static bool find(const struct http_request *request, const char *name, struct slice *value)
{
    struct slice fields = request->fields;
    struct http_field field;

    while (http_field_next(&fields, &field)) {
        if (!http_field_is(&field, name))
            continue;
        *value = field.value;
        return true;
    }
    return false;
}

bool cors_is_preflight(const struct http_request *request)
{
    struct slice method;

    return request->browser.origins > 0 && slice_equals(request->method, slice_of("OPTIONS")) &&
           find(request, PREFIX "Request-Method", &method);
}

/* ---- writing ---- */

static void begin_field(struct buffer *out, const char *name)
{
    buffer_add_text(out, PREFIX);
    buffer_add_text(out, name);
    buffer_add_text(out, ": ");
}

static void add_field(struct buffer *out, const char *name, struct slice value)
{
    begin_field(out, name);
    buffer_add(out, value);
    buffer_add_text(out, "\r\n");
}

static void add_list(struct buffer *out, const char *name, const struct config_texts *texts)
{
    if (texts->count == 0)
        return;
    begin_field(out, name);
    for (size_t i = 0; i < texts->count; i++) {
        buffer_add_text(out, i > 0 ? ", " : "");
        buffer_add_text(out, texts->items[i]);
    }
    buffer_add_text(out, "\r\n");
}

static void add_origin(const struct config_cors *cors, const struct http_request *request,
                       struct buffer *out)
{
    add_field(out, "Allow-Origin",
              is_any(&cors->origins) ? slice_of("*") : request->browser.origin);
    if (cors->credentials)
        add_field(out, "Allow-Credentials", slice_of("true"));
}

void cors_add_fields(const struct config_cors *cors, const struct http_request *request,
                     struct buffer *out)
{
    if (!cors_is_on(cors) || (!is_any(&cors->origins) && !cors_allows(cors, request)))
        return;
    add_origin(cors, request, out);
    add_list(out, "Expose-Headers", &cors->expose);
}

static bool is_list_of_tokens(struct slice list)
{
    struct slice element;

    while (http_list_next(&list, &element))
        if (!http_is_token(element))
            return false;
    return true;
}

/* What may be asked for: the list, or, where there is none, what this request asks for. */
static bool add_allowed(const struct config_texts *texts, const struct http_request *request,
                        const char *asked_by, const char *name, struct buffer *out)
{
    struct slice asked;

    if (texts->count > 0 && !is_any(texts)) {
        add_list(out, name, texts);
        return true;
    }
    if (!find(request, asked_by, &asked) || asked.len == 0)
        return true;
    if (!is_list_of_tokens(asked))
        return false;
    add_field(out, name, asked);
    return true;
}

bool cors_add_preflight(const struct config_cors *cors, const struct http_request *request,
                        struct buffer *out)
{
    struct slice private_network;

    add_origin(cors, request, out);
    if (!add_allowed(&cors->methods, request, PREFIX "Request-Method", "Allow-Methods", out) ||
        !add_allowed(&cors->headers, request, PREFIX "Request-Headers", "Allow-Headers", out))
        return false;
    begin_field(out, "Max-Age");
    buffer_add_decimal(out, (unsigned long long)(cors->max_age / MS_PER_SECOND));
    buffer_add_text(out, "\r\n");
    if (find(request, PREFIX "Request-Private-Network", &private_network) &&
        slice_equals(private_network, slice_of("true")))
        add_field(out, "Allow-Private-Network", slice_of("true"));
    buffer_add_text(out, "Vary: Origin, " PREFIX "Request-Method, " PREFIX "Request-Headers\r\n"
                         "\r\n");
    return !out->overflowed;
}

/* ---- what the target says ---- */

bool cors_replaces(const struct config_cors *cors, struct slice name)
{
    return cors_is_on(cors) && name.len > strlen(PREFIX) && slice_begins_nocase(name, PREFIX);
}

bool cors_varies(const struct config_cors *cors)
{
    return cors_is_on(cors) && !is_any(&cors->origins);
}

static bool names_origin(struct slice list)
{
    struct slice element;

    while (http_list_next(&list, &element))
        if (slice_equals(element, slice_of("*")) ||
            slice_equals_nocase(element, slice_of("Origin")))
            return true;
    return false;
}

struct cors_vary cors_read_vary(const struct config_cors *cors,
                                const struct http_response *response)
{
    struct cors_vary vary = {.due = cors_varies(cors) && !response->is_interim};
    struct slice fields = response->fields;
    struct http_field field;

    if (!vary.due || http_is_nominated(&response->nominations, slice_of("Vary")))
        return vary;
    while (http_field_next(&fields, &field)) {
        if (!http_field_is(&field, "Vary"))
            continue;
        vary.exists = true;
        if (names_origin(field.value))
            vary.due = false;
    }
    return vary;
}

size_t cors_bytes_max(const struct config_cors *cors)
{
    const struct config_texts *lists[] = {&cors->origins, &cors->expose};
    size_t bytes = LINES_BYTES;

    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        for (size_t j = 0; j < lists[i]->count; j++)
            bytes += strlen(lists[i]->items[j]) + 2;
    return bytes;
}
