/* http_response: what a parsed response head means. */
#include "http_response.h"

#include "http_field.h"

static bool refuse(struct http_fault *fault, const char *detail)
{
    *fault = (struct http_fault){502, detail};
    return false;
}

/* Whether every protocol that the response names was offered, and there is one. */
static bool names_offered_protocol(struct slice fields, const struct http_request *request)
{
    struct http_field field;
    struct slice protocol;
    bool named = false;

    while (http_field_next(&fields, &field)) {
        if (field.id != HTTP_FIELD_UPGRADE)
            continue;
        while (http_list_next(&field.value, &protocol)) {
            if (!http_request_offers(request, protocol))
                return false;
            named = true;
        }
    }
    return named;
}

static bool read_switch(const struct http_request *request, struct http_response *response,
                        struct http_fault *fault)
{
    if (!request->upgrades)
        return refuse(fault, "101 without having been asked for");
    if (!names_offered_protocol(response->fields, request))
        return refuse(fault, "101 to a protocol that was not offered");
    response->is_upgrade = true;
    return true;
}

/* RFC 9112 6.3, rules 1 to 8 for a response. */
static bool read_framing(const struct http_request *request, struct http_response *response,
                         struct http_fault *fault)
{
    struct http_framing_fields found;

    if (response->status < 200 || response->status == 204)
        return true; /* no content, and no field says otherwise */
    if (!http_framing_read(response->fields, response->minor, &found, fault)) {
        fault->status = 502;
        return false;
    }
    if (request->is_head || response->status == 304)
        return true;
    if (found.has_coding)
        response->framing = HTTP_FRAMING_CHUNKED;
    else if (found.has_length)
        response->framing = HTTP_FRAMING_LENGTH;
    else
        response->framing = HTTP_FRAMING_CLOSE;
    response->length = found.length;
    return true;
}

bool http_response_read(const struct http_head *head, const struct http_request *request,
                        struct http_response *response, struct http_fault *fault)
{
    struct http_connection connection = {0};
    struct slice fields = head->fields;
    struct http_field field;

    *response = (struct http_response){
        .status = head->status,
        .minor = head->minor > 0 ? 1 : 0,
        .reason = head->reason,
        .fields = head->fields,
        .is_interim = head->status < 200 && head->status != 101,
    };
    while (http_field_next(&fields, &field)) {
        if (field.id == HTTP_FIELD_CONNECTION && !http_connection_read(field.value, &connection))
            return refuse(fault, "Connection names too many fields");
        if (field.id == HTTP_FIELD_DATE)
            response->has_date = true;
    }
    response->nominations = connection.nominations;
    if (!read_framing(request, response, fault))
        return false;
    if (response->status == 101)
        return read_switch(request, response, fault);
    response->keep_alive = !connection.close && response->framing != HTTP_FRAMING_CLOSE &&
                           (response->minor > 0 || connection.keep_alive);
    return true;
}

bool http_response_is_encoded(const struct http_response *response)
{
    struct slice fields = response->fields;
    struct http_field field;
    struct slice coding;

    if (response->framing == HTTP_FRAMING_NONE)
        return false;
    while (http_field_next(&fields, &field)) {
        if (!http_field_is(&field, "Content-Encoding"))
            continue;
        while (http_list_next(&field.value, &coding))
            if (coding.len > 0 && !slice_equals_nocase(coding, slice_of("identity")))
                return true;
    }
    return false;
}
