/* config_names: the host names that the keeper looks up: those of the targets, and of the outgoing
 * proxy. */
#include <stdlib.h>
#include <strings.h>

#include "config_loader.h"

struct name *config_find_name(const struct config *config, const char *host)
{
    for (size_t i = 0; i < config->names.count; i++)
        if (strcasecmp(name_host(config->names.items[i].name), host) == 0)
            return config->names.items[i].name;
    return NULL;
}

static void add_name(struct config_loader *loader, const char *host)
{
    struct config_names *names = &loader->config->names;

    if (!name_is_needed(host) || config_find_name(loader->config, host) != NULL)
        return;
    struct config_name *grown = realloc(names->items, (names->count + 1) * sizeof *grown);
    struct name *name = grown != NULL ? name_new(host) : NULL;
    if (grown != NULL)
        names->items = grown;
    if (name != NULL)
        names->items[names->count++].name = name;
    else
        config_fault(loader, "out of memory");
}

void config_names_conclude(struct config_loader *loader)
{
    const struct config *config = loader->config;
    bool looks_up = config->egress.url == NULL || !config->egress.resolves;

    if (loader->failed || config->dns_ttl == 0)
        return;
    for (size_t i = 0; looks_up && i < config->route_count; i++)
        if (config->routes[i].target->unix_path == NULL)
            add_name(loader, config->routes[i].target->host);
    if (config->egress.url != NULL)
        add_name(loader, config->egress.host);
}

void config_names_free(struct config *config)
{
    for (size_t i = 0; i < config->names.count; i++)
        name_free(config->names.items[i].name);
    free(config->names.items);
}

void config_adopt_names(struct config *config, struct config *old)
{
    for (size_t i = 0; i < config->names.count; i++) {
        struct name *from = config_find_name(old, name_host(config->names.items[i].name));
        if (from != NULL)
            name_adopt(config->names.items[i].name, from);
    }
}
