/* config_fields: the fields of [request-headers], [response-headers] and a route's own. */
#include <stdlib.h>
#include <string.h>

#include "config_loader.h"
#include "http_field.h"

static bool check_field_name(struct config_loader *loader, const char *name)
{
    enum http_field_id id = http_field_identify(slice_of(name));

    if (!http_is_token(slice_of(name)))
        config_fault(loader,
                     "this is no header's name; write Name = value, the name of letters, digits "
                     "and !#$%%&'*+-.^_`|~");
    else if (id == HTTP_FIELD_HOST)
        config_fault(loader, "%s: set host = in [proxy], or send_host = in a route, instead", name);
    else if (http_field_is_reserved(id))
        config_fault(loader,
                     "%s: this field belongs to the connection, and the bridge sets it itself",
                     name);
    else
        return true;
    return false;
}

static struct config_field *find_field(struct config_fields *fields, const char *name)
{
    for (size_t i = 0; i < fields->count; i++)
        if (http_names_are_alike(slice_of(fields->items[i].name), slice_of(name)))
            return &fields->items[i];
    return NULL;
}

void config_clear_field(struct config_field *field)
{
    free(field->name);
    free(field->origin);
    value_free(&field->value);
    *field = (struct config_field){0};
}

void config_free_fields(struct config_fields *fields)
{
    for (size_t i = 0; i < fields->count; i++)
        config_clear_field(&fields->items[i]);
    free(fields->items);
    *fields = (struct config_fields){0};
}

/* An empty place for the field: the one that --header replaces, or a new one at the end. NULL
 * after a fault. */
static struct config_field *place_field(struct config_loader *loader, struct config_fields *fields,
                                        const char *name)
{
    struct config_field *found = find_field(fields, name);

    if (found != NULL && (loader->path != NULL || strcmp(found->origin, loader->place) == 0)) {
        config_fault(loader, "%s is already set at %s", name, found->origin);
        return NULL;
    }
    if (found != NULL) {
        config_clear_field(found);
        return found;
    }
    struct config_field *grown = realloc(fields->items, (fields->count + 1) * sizeof *grown);
    if (grown == NULL) {
        config_fault(loader, "out of memory");
        return NULL;
    }
    fields->items = grown;
    fields->items[fields->count] = (struct config_field){0};
    return &fields->items[fields->count++];
}

void config_set_field(struct config_loader *loader, struct config_fields *fields, const char *name,
                      const char *text)
{
    char error[VALUE_ERROR_BYTES];
    struct value value;

    if (!check_field_name(loader, name))
        return;
    if (!value_compile(text, &value, error)) {
        config_fault(loader, "%s: %s", name, error);
        return;
    }
    struct config_field *field = place_field(loader, fields, name);
    if (field == NULL) {
        value_free(&value);
        return;
    }
    field->value = value;
    field->removes = value.count == 0;
    field->name = strdup(name);
    field->origin = strdup(loader->place);
    if (field->name == NULL || field->origin == NULL)
        config_fault(loader, "out of memory");
}
