/* config_guard: reflect_guard: what must not come back in each route's responses. */
#include "config_loader.h"
#include "guard.h"
#include "log.h"

static void warn_of_short_secrets(const struct config_fields *fields)
{
    for (size_t i = 0; i < fields->count; i++)
        if (guard_leaves_out(&fields->items[i]))
            log_warning("%s: %s has a secret of fewer than %u characters: reflect_guard does not "
                        "look for it, as it would be found in ordinary text",
                        fields->items[i].origin, fields->items[i].name, GUARD_SECRET_BYTES_MIN);
}

void config_guards_conclude(struct config_loader *loader)
{
    struct config *config = loader->config;

    for (size_t i = 0; i < config->route_count && !loader->failed; i++) {
        struct config_route *route = &config->routes[i];
        if (route->reflect_guard == GUARD_OFF)
            continue;
        route->guard = guard_new();
        if (route->guard == NULL || !guard_refresh(route->guard, &route->request_fields))
            config_fault(loader, "out of memory");
        warn_of_short_secrets(&route->request_fields);
    }
}

bool config_guard_refresh(const struct config_route *route)
{
    if (route->guard == NULL || guard_refresh(route->guard, &route->request_fields))
        return true;
    log_error("out of memory for what reflect_guard looks for");
    return false;
}

bool config_has_guard(const struct config *config)
{
    for (size_t i = 0; i < config->route_count; i++)
        if (config->routes[i].guard != NULL)
            return true;
    return false;
}

void config_guards_free(struct config *config)
{
    for (size_t i = 0; i < config->route_count; i++)
        guard_free(config->routes[i].guard);
}
