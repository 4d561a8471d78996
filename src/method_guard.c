/* method_guard: keeps methods that a route does not serve from its target. */
#include "method_guard.h"

#include <string.h>

#include "http_field.h"

static bool is_listed(const char *methods, struct slice method)
{
    struct slice list = slice_of(methods);
    struct slice listed;

    while (http_list_next(&list, &listed))
        if (slice_equals_nocase(listed, method))
            return true;
    return false;
}

/* Methods are case-sensitive (RFC 9110 9.1). */
static bool is_served(const char *methods, struct slice method)
{
    struct slice list = slice_of(methods);
    struct slice listed;

    while (http_list_next(&list, &listed))
        if (slice_equals(listed, method))
            return true;
    return false;
}

/* ---- methods that stand elsewhere ---- */

bool method_guard_is_override(struct slice name)
{
    static const char *const names[] = {"X-HTTP-Method-Override", "X-HTTP-Method",
                                        "X-Method-Override"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (http_names_are_alike(name, slice_of(names[i])))
            return true;
    return false;
}

/* Whether a field asks for a method that is not served, in whatever case: those who honour such
 * fields fold it. What the configuration sets stands in the client's place. */
static bool is_overridden_by_field(const struct config_route *route,
                                   const struct http_request *request)
{
    struct slice fields = request->fields;
    struct http_field field;

    while (http_field_next(&fields, &field))
        if (field.id == HTTP_FIELD_OTHER && field.value.len > 0 &&
            method_guard_is_override(field.name) && !is_listed(route->methods, field.value) &&
            !config_fields_have(&route->request_fields, field.name))
            return true;
    return false;
}

/* Takes an octet off the front, percent-decoded; a plus stands for a space. */
static char take_octet(struct slice *text)
{
    char c = *text->at;
    int high = c == '%' && text->len > 2 ? http_hex_digit(text->at[1]) : -1;
    int low = high >= 0 ? http_hex_digit(text->at[2]) : -1;
    size_t len = low >= 0 ? 3 : 1;

    text->at += len;
    text->len -= len;
    if (low >= 0)
        return (char)(high * 16 + low);
    if (c == '+')
        c = ' ';
    return c;
}

/* Whether a parameter's name is _method, as targets read names: decoded, and with PHP's licence of
 * spaces in front, and of dots, spaces and brackets for underscores. */
static bool is_method_name(struct slice name)
{
    struct slice expected = slice_of("_method");
    bool begun = false;

    while (name.len > 0) {
        char c = take_octet(&name);
        if (c == ' ' && !begun && name.len >= expected.len)
            continue;
        begun = true;
        if (c == '.' || c == ' ' || c == '[')
            c = '_';
        if (expected.len == 0 ||
            !slice_equals_nocase((struct slice){&c, 1}, (struct slice){expected.at, 1}))
            return false;
        expected = (struct slice){expected.at + 1, expected.len - 1};
    }
    return expected.len == 0;
}

/* Takes a parameter off the front of a query: what stands between & or ; as old targets have it. */
static struct slice take_parameter(struct slice *query)
{
    size_t len = 0;

    while (len < query->len && query->at[len] != '&' && query->at[len] != ';')
        len++;
    struct slice parameter = {query->at, len};
    len += len < query->len;
    query->at += len;
    query->len -= len;
    return parameter;
}

/* Decodes the value in place of nothing longer than a method's name may be; false when it is. */
static bool names_served(const char *methods, struct slice value)
{
    char space[64];
    struct buffer method = {.at = space, .cap = sizeof space};

    while (value.len > 0) {
        char c = take_octet(&value);
        buffer_add(&method, (struct slice){&c, 1});
    }
    struct slice name = slice_trim(buffer_content(&method));
    return !method.overflowed && (name.len == 0 || is_listed(methods, name));
}

static bool is_overridden_by_query(const char *methods, struct slice target)
{
    const char *mark = target.len > 0 ? memchr(target.at, '?', target.len) : NULL;

    if (mark == NULL)
        return false;
    struct slice query = {mark + 1, (size_t)(target.at + target.len - (mark + 1))};
    while (query.len > 0) {
        struct slice parameter = take_parameter(&query);
        const char *equals = memchr(parameter.at, '=', parameter.len);
        size_t name = equals != NULL ? (size_t)(equals - parameter.at) : parameter.len;
        struct slice value = {parameter.at + name, parameter.len - name};
        if (value.len > 0)
            value = (struct slice){value.at + 1, value.len - 1};
        if (is_method_name((struct slice){parameter.at, name}) && !names_served(methods, value))
            return true;
    }
    return false;
}

/* ---- the whole ---- */

enum method_verdict method_guard_judge(const struct config_route *route,
                                       const struct http_request *request)
{
    if (route->methods == NULL)
        return METHOD_SERVED;
    if (!is_served(route->methods, request->method))
        return METHOD_REFUSED;
    return is_overridden_by_field(route, request) ||
                   is_overridden_by_query(route->methods, request->target)
               ? METHOD_OVERRIDE_REFUSED
               : METHOD_SERVED;
}

const char *method_guard_allow(const struct config *config, const struct config_route *route)
{
    const char *methods = route != NULL ? route->methods : config->methods;

    return methods != NULL ? methods : HTTP_METHODS_SERVED;
}
