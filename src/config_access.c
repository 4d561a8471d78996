/* config_access: the lists of texts that say who may ask, and from where; [cors]. */
#include <stdlib.h>
#include <string.h>

#include "authority.h"
#include "browser.h"
#include "config_loader.h"
#include "cors.h"

#define LIST_BYTES_MAX 1000u /* of a list that goes into each answer */

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

/* ---- [cors] ---- */

static void lower(char *text)
{
    for (; *text != '\0'; text++)
        if (*text >= 'A' && *text <= 'Z')
            *text |= 0x20;
}

/* Takes the scheme's own port off, which browsers do not write. */
static void drop_own_port(char *origin)
{
    static const char *const own[][2] = {{"http://", ":80"}, {"https://", ":443"}};
    size_t len = strlen(origin);

    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        size_t port = strlen(own[i][1]);
        if (strncmp(origin, own[i][0], strlen(own[i][0])) == 0 && len > port &&
            strcmp(origin + len - port, own[i][1]) == 0)
            origin[len - port] = '\0';
    }
}

void config_add_origin(struct config_loader *loader, const struct config_setting *setting,
                       const char *text)
{
    struct config_texts *texts = config_member(loader->config, setting);
    struct slice authority;

    if (strcmp(text, "*") != 0 &&
        (!browser_read_origin(slice_of(text), &authority) || strchr(text, '*') != NULL)) {
        config_fault(loader,
                     "%s = %s: give origins as browsers send them, scheme and host, and the port "
                     "unless it is the scheme's own, for example https://app.example, "
                     "http://localhost:3000, or * for all",
                     setting->name, text);
        return;
    }
    size_t count = texts->count;
    add_text(loader, setting, text);
    if (texts->count == count)
        return;
    lower(texts->items[count]);
    drop_own_port(texts->items[count]);
}

void config_add_token(struct config_loader *loader, const struct config_setting *setting,
                      const char *text)
{
    if (http_is_token(slice_of(text)))
        add_text(loader, setting, text);
    else
        config_fault(loader, "%s = %s: give names with commas between them, or * for all",
                     setting->name, text);
}

/* Points faults to where a setting of [cors] stands. false when it is not set. */
static bool point_to(struct config_loader *loader, const char *name, char place[CONFIG_PLACE_BYTES])
{
    config_place_of(loader->config, "cors", name, place);
    loader->place = place;
    return place[0] != '\0';
}

static bool lacks_origins(const struct config_loader *loader)
{
    char place[CONFIG_PLACE_BYTES];

    config_place_of(loader->config, "cors", "origins", place);
    return place[0] == '\0';
}

static bool is_for_all(const struct config_texts *texts)
{
    for (size_t i = 0; i < texts->count; i++)
        if (strcmp(texts->items[i], "*") == 0)
            return true;
    return false;
}

/* One of the lists, each of which may stand in the head of an answer. */
static void check_list(struct config_loader *loader, const char *name,
                       const struct config_texts *texts)
{
    char place[CONFIG_PLACE_BYTES];
    size_t bytes = 0;

    if (!point_to(loader, name, place))
        return;
    for (size_t i = 0; i < texts->count; i++) {
        size_t len = strlen(texts->items[i]) + 2;
        bytes = strcmp(name, "origins") != 0 ? bytes + len : bytes > len ? bytes : len;
    }
    if (lacks_origins(loader))
        config_fault(loader, "%s needs origins beside it: whose pages may call", name);
    else if (is_for_all(texts) && texts->count > 1)
        config_fault(loader, "%s: * stands for all: give it alone", name);
    else if (bytes > LIST_BYTES_MAX)
        config_fault(loader, "%s is longer than %u bytes: give less", name, LIST_BYTES_MAX);
}

/* A browser takes neither * for anything else than itself when it has sent credentials. */
static void check_credentials(struct config_loader *loader)
{
    const struct config_cors *cors = &loader->config->cors;
    char place[CONFIG_PLACE_BYTES];

    if (!cors->credentials)
        return;
    if (is_for_all(&cors->origins) && point_to(loader, "origins", place))
        config_fault(loader, "origins = * does not go with credentials = on: any page would act in "
                             "its visitor's name: list the origins");
    if (is_for_all(&cors->expose) && point_to(loader, "expose", place))
        config_fault(loader, "expose = * means nothing to browsers with credentials = on: list the "
                             "fields");
}

static void check_response_fields(struct config_loader *loader, const struct config_fields *fields)
{
    for (size_t i = 0; i < fields->count; i++) {
        struct slice name = slice_of(fields->items[i].name);
        loader->place = fields->items[i].origin;
        if (cors_replaces(&loader->config->cors, name))
            config_fault(loader, "%s is written by [cors]: take this line out, or [cors]", name.at);
        else if (cors_varies(&loader->config->cors) && slice_equals_nocase(name, slice_of("Vary")))
            config_fault(loader, "Vary has to name Origin, which [cors] sees to: take this line "
                                 "out, or [cors]");
    }
}

void config_check_cors(struct config_loader *loader)
{
    const struct config *config = loader->config;
    const struct {
        const char *name;
        const struct config_texts *texts;
    } lists[] = {
        {"origins", &config->cors.origins},
        {"methods", &config->cors.methods},
        {"headers", &config->cors.headers},
        {"expose", &config->cors.expose},
    };
    char place[CONFIG_PLACE_BYTES];

    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        check_list(loader, lists[i].name, lists[i].texts);
    if (lacks_origins(loader) &&
        (point_to(loader, "credentials", place) || point_to(loader, "max_age", place)))
        config_fault(loader, "this needs origins beside it: whose pages may call");
    check_credentials(loader);
    for (size_t i = 0; i < config->route_count; i++)
        check_response_fields(loader, &config->routes[i].response_fields);
}
