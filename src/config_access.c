/* config_access: the lists of texts that say who may ask, and from where. */
#include <stdlib.h>
#include <string.h>

#include "authority.h"
#include "config_loader.h"

void config_clear_texts(struct config_texts *texts)
{
    for (size_t i = 0; i < texts->count; i++)
        free(texts->items[i]);
    free(texts->items);
    *texts = (struct config_texts){0};
}

static void add_text(struct config_loader *loader, const struct config_setting *setting,
                     const char *text)
{
    struct config_texts *texts = config_member(loader->config, setting);
    char **grown = realloc(texts->items, (texts->count + 1) * sizeof *texts->items);

    if (grown != NULL) {
        texts->items = grown;
        texts->items[texts->count] = strdup(text);
    }
    if (grown == NULL || texts->items[texts->count] == NULL)
        config_fault(loader, "out of memory");
    else
        texts->count++;
}

void config_add_host(struct config_loader *loader, const struct config_setting *setting,
                     const char *text)
{
    if (authority_is_pattern(slice_of(text)))
        add_text(loader, setting, text);
    else
        config_fault(loader,
                     "%s = %s: give the names that clients ask for, perhaps with a port, for "
                     "example staging.example, bridge.internal:8080, *.dev.example, or * for all",
                     setting->name, text);
}
