/* config_route: the routes, as they are tried. */
#include <stdlib.h>
#include <string.h>

#include "config_loader.h"

static bool copy_fields(const struct config_fields *from, struct config_fields *to)
{
    to->items = calloc(from->count + 1, sizeof *to->items);
    if (to->items == NULL)
        return false;
    if (from->count > 0)
        memcpy(to->items, from->items, from->count * sizeof *to->items);
    to->count = from->count;
    return true;
}

static void drop_merged(struct config_route *route)
{
    free(route->request_fields.items);
    free(route->response_fields.items);
    route->request_fields = route->response_fields = (struct config_fields){0};
}

bool config_routes_merge(struct config *config)
{
    for (size_t i = 0; i < config->route_count; i++) {
        struct config_route *route = &config->routes[i];
        drop_merged(route);
        if (!copy_fields(&config->request_fields, &route->request_fields) ||
            !copy_fields(&config->response_fields, &route->response_fields))
            return false;
    }
    return true;
}

static bool add_general(struct config *config)
{
    config->routes = calloc(1, sizeof *config->routes);
    if (config->routes == NULL)
        return false;
    config->routes[0] = (struct config_route){
        .config = config,
        .name = "",
        .target = &config->target,
        .host = config->host,
    };
    config->route_count = config->target_count = 1;
    return true;
}

void config_routes_conclude(struct config_loader *loader)
{
    if (!loader->failed && (!add_general(loader->config) || !config_routes_merge(loader->config)))
        config_fault(loader, "out of memory");
}

void config_routes_free(struct config *config)
{
    for (size_t i = 0; i < config->route_count; i++)
        drop_merged(&config->routes[i]);
    free(config->routes);
}

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
