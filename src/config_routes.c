/* config_routes: the routes that requests take, made from their sections and from [proxy]. */
#include <stdlib.h>
#include <string.h>

#include "authority.h"
#include "config_loader.h"
#include "http_field.h"

/* ---- fields ---- */

static bool copy_fields(const struct config_fields *general, const struct config_fields *own,
                        struct config_fields *to)
{
    to->items = calloc(general->count + own->count + 1, sizeof *to->items);
    if (to->items == NULL)
        return false;
    if (general->count > 0)
        memcpy(to->items, general->items, general->count * sizeof *to->items);
    to->count = general->count;
    return true;
}

/* Puts a field in the place of the one whose name a target could take for its name, or behind all.
 */
static void merge_field(struct config_fields *fields, const struct config_field *field)
{
    size_t i = 0;

    while (i < fields->count &&
           !http_names_are_alike(slice_of(fields->items[i].name), slice_of(field->name)))
        i++;
    fields->items[i] = *field;
    if (i == fields->count)
        fields->count++;
}

static bool merge_fields(const struct config_fields *general, const struct config_fields *own,
                         struct config_fields *to)
{
    static const struct config_fields none;

    if (own == NULL)
        own = &none;
    free(to->items);
    *to = (struct config_fields){0};
    if (!copy_fields(general, own, to))
        return false;
    for (size_t i = 0; i < own->count; i++)
        merge_field(to, &own->items[i]);
    return true;
}

bool config_routes_merge(struct config *config)
{
    for (size_t i = 0; i < config->route_count; i++) {
        struct config_route *route = &config->routes[i];
        const struct config_route_section *section = route->section;
        if (!merge_fields(&config->request_fields,
                          section != NULL ? &section->request_fields : NULL,
                          &route->request_fields) ||
            !merge_fields(&config->response_fields,
                          section != NULL ? &section->response_fields : NULL,
                          &route->response_fields))
            return false;
    }
    return true;
}

/* ---- routes ---- */

static struct config_route route_of(const struct config *config,
                                    const struct config_route_section *section)
{
    bool has_methods = config_route_line(section, "methods") != 0;
    bool has_guard = config_route_line(section, "reflect_guard") != 0;

    return (struct config_route){
        .config = config,
        .name = section->name,
        .section = section,
        .match_path = section->path,
        .match_host = section->host,
        .target = &section->target,
        .host = section->send_host != NULL ? section->send_host : section->target.authority,
        .strip_path = section->strip_path,
        .methods = has_methods ? section->methods : config->methods,
        .reflect_guard = has_guard ? section->reflect_guard : config->reflect_guard,
    };
}

static struct config_route general_route(const struct config *config)
{
    return (struct config_route){
        .config = config,
        .name = "",
        .target = &config->target,
        .host = config->host,
        .methods = config->methods,
        .reflect_guard = config->reflect_guard,
    };
}

static bool has_port(const char *host)
{
    return host != NULL && authority_split(slice_of(host)).port.len > 0;
}

static int compare_numbers(size_t a, size_t b)
{
    return (a > b) - (a < b);
}

/* What is tried first: a host before none, one with a port before one without, the longer path, the
 * first in the file. What [proxy] says is for all that is left. */
static int compare_routes(const void *a, const void *b)
{
    const struct config_route *one = a;
    const struct config_route *other = b;
    const int orders[] = {
        (one->section == NULL) - (other->section == NULL),
        (one->match_host == NULL) - (other->match_host == NULL),
        has_port(other->match_host) - has_port(one->match_host),
        compare_numbers(other->match_path != NULL ? strlen(other->match_path) : 0,
                        one->match_path != NULL ? strlen(one->match_path) : 0),
    };

    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++)
        if (orders[i] != 0)
            return orders[i];
    return one->section != NULL && other->section != NULL
               ? compare_numbers(one->section->line, other->section->line)
               : 0;
}

/* Whether a connection to one leads to the other. */
static bool are_one(const struct target *a, const struct target *b)
{
    if (a->unix_path != NULL || b->unix_path != NULL)
        return a->unix_path != NULL && b->unix_path != NULL &&
               strcmp(a->unix_path, b->unix_path) == 0;
    return strcmp(a->url, b->url) == 0;
}

static void number_targets(struct config *config)
{
    for (size_t i = 0; i < config->route_count; i++) {
        struct config_route *route = &config->routes[i];
        size_t same = 0;
        while (!are_one(config->routes[same].target, route->target))
            same++;
        route->target_index = same < i ? config->routes[same].target_index : config->target_count++;
    }
}

static bool make_routes(struct config *config)
{
    config->routes = calloc(config->section_count + 1, sizeof *config->routes);
    if (config->routes == NULL)
        return false;
    for (size_t i = 0; i < config->section_count; i++)
        config->routes[config->route_count++] = route_of(config, &config->sections[i]);
    if (config->target.url != NULL)
        config->routes[config->route_count++] = general_route(config);
    qsort(config->routes, config->route_count, sizeof *config->routes, compare_routes);
    for (size_t i = 0; i < config->route_count; i++)
        config->routes_by_path = config->routes_by_path || config->routes[i].match_path != NULL;
    number_targets(config);
    return config_routes_merge(config);
}

/* ---- what the routes mean together ---- */

static void check_egress(struct config_loader *loader)
{
    const struct config *config = loader->config;

    config_place_of(config, "proxy", "egress", loader->place_space);
    for (size_t i = 0; i < config->target_count; i++) {
        const struct target *target = config_route_to(config, i)->target;
        if (config->egress.url != NULL && target->unix_path != NULL)
            config_fault(loader, "egress goes with a target on the network, not with %s",
                         target->name);
    }
}

static void check_server_name(struct config_loader *loader)
{
    const struct config *config = loader->config;
    size_t with_tls = 0;

    config_place_of(config, "tls", "server_name", loader->place_space);
    for (size_t i = 0; i < config->target_count; i++)
        with_tls += config_route_to(config, i)->target->is_https;
    if (config->tls.server_name != NULL && with_tls > 1)
        config_fault(
            loader,
            "server_name is one name, and there are %zu targets with TLS: take it out, and "
            "write that name into the target that needs it",
            with_tls);
}

void config_check_routes(struct config_loader *loader)
{
    config_check_sections(loader);
    if (loader->failed)
        return;
    if (!make_routes(loader->config)) {
        config_fault(loader, "out of memory");
        return;
    }
    loader->place = loader->place_space;
    check_egress(loader);
    check_server_name(loader);
}

void config_routes_free(struct config *config)
{
    for (size_t i = 0; i < config->route_count; i++) {
        free(config->routes[i].request_fields.items);
        free(config->routes[i].response_fields.items);
    }
    free(config->routes);
    config_free_sections(config);
}

/* ---- asking ---- */

const struct config_route *config_route_to(const struct config *config, size_t target_index)
{
    const struct config_route *route = config->routes;

    while (route->target_index != target_index)
        route++;
    return route;
}

bool config_has_tls(const struct config *config)
{
    for (size_t i = 0; i < config->route_count; i++)
        if (config->routes[i].target->is_https)
            return true;
    return false;
}

void config_format_targets(const struct config *config, char text[CONFIG_TARGETS_BYTES])
{
    if (config->target_count == 1)
        snprintf(text, CONFIG_TARGETS_BYTES, "%s", config->routes[0].target->name);
    else
        snprintf(text, CONFIG_TARGETS_BYTES, "%zu targets by %zu routes", config->target_count,
                 config->route_count);
}
