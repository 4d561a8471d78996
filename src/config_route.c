/* config_route: the sections of routes: [route:NAME] and its header sections. */
#include <stdlib.h>
#include <string.h>

#include "authority.h"
#include "config_loader.h"

#define PREFIX           "route:"
#define NAME_OCTETS      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
#define REQUEST_HEADERS  "request-headers"
#define RESPONSE_HEADERS "response-headers"

bool config_is_route(const char *section)
{
    return strncmp(section, PREFIX, strlen(PREFIX)) == 0;
}

/* ---- reading ---- */

static struct config_route_section *find_section(const struct config *config, struct slice name)
{
    for (size_t i = 0; i < config->section_count; i++)
        if (slice_equals(slice_of(config->sections[i].name), name))
            return &config->sections[i];
    return NULL;
}

static void free_section(struct config_route_section *section)
{
    free(section->name);
    free(section->path);
    free(section->host);
    free(section->send_host);
    free(section->methods);
    free(section->lines);
    target_free(&section->target);
    config_free_fields(&section->request_fields);
    config_free_fields(&section->response_fields);
}

/* NULL after a fault. It stays where it is until the next one is added. */
static struct config_route_section *add_section(struct config_loader *loader, struct slice name)
{
    struct config *config = loader->config;

    if (config->section_count == CONFIG_ROUTES_MAX) {
        config_fault(loader, "there are more than %u routes", CONFIG_ROUTES_MAX);
        return NULL;
    }
    struct config_route_section *grown =
        realloc(config->sections, (config->section_count + 1) * sizeof *grown);
    if (grown == NULL) {
        config_fault(loader, "out of memory");
        return NULL;
    }
    config->sections = grown;
    struct config_route_section *section = &grown[config->section_count++];
    *section = (struct config_route_section){
        .name = strndup(name.at, name.len),
        .lines = calloc(config_route_setting_count, sizeof *section->lines),
    };
    if (section->name != NULL && section->lines != NULL)
        return section;
    config_fault(loader, "out of memory");
    free_section(section);
    config->section_count--;
    return NULL;
}

static bool check_name(struct config_loader *loader, struct slice name)
{
    if (name.len > 0 && name.len <= CONFIG_ROUTE_NAME_MAX &&
        strspn(name.at, NAME_OCTETS) >= name.len)
        return true;
    config_fault(loader,
                 "[" PREFIX
                 "%.*s]: a route's name has 1 to %u letters, digits, - and _, for example "
                 "[" PREFIX "payments]",
                 (int)name.len, name.at, CONFIG_ROUTE_NAME_MAX);
    return false;
}

static void take_setting(struct config_loader *loader, struct config_route_section *section,
                         const char *name, const char *text)
{
    for (size_t i = 0; i < config_route_setting_count; i++) {
        if (strcmp(config_route_settings[i].name, name) != 0)
            continue;
        if (section->lines[i] != 0) {
            config_fault(loader, "%s stands twice in [" PREFIX "%s]: first in line %u", name,
                         section->name, section->lines[i]);
            return;
        }
        section->lines[i] = loader->line;
        loader->base = section;
        config_set_value(loader, &config_route_settings[i], text);
        loader->base = loader->config;
        return;
    }
    config_fault(loader, "%s is not a setting of [" PREFIX "%s], which has: %s",
                 config_shown_name(name), section->name, config_names_of_route());
}

/* Takes a line of a route whose section's name goes on with kind. */
static void take_line(struct config_loader *loader, struct config_route_section *section,
                      const char *kind, const char *name, const char *text)
{
    if (kind[0] == '\0' && name == NULL) {
        if (section->line == 0)
            section->line = loader->line;
    } else if (kind[0] == '\0') {
        take_setting(loader, section, name, text);
    } else if (name != NULL) {
        config_set_field(loader,
                         strcmp(kind, REQUEST_HEADERS) == 0 ? &section->request_fields
                                                            : &section->response_fields,
                         name, text);
    }
}

void config_take_route_line(struct config_loader *loader, const char *section, const char *name,
                            const char *text)
{
    const char *begin = section + strlen(PREFIX);
    const char *space = strchr(begin, ' ');
    struct slice route = {begin, space != NULL ? (size_t)(space - begin) : strlen(begin)};
    const char *kind = space != NULL ? space + 1 : "";

    if (kind[0] != '\0' && strcmp(kind, REQUEST_HEADERS) != 0 &&
        strcmp(kind, RESPONSE_HEADERS) != 0) {
        if (name == NULL)
            config_fault(loader,
                         "[%s] is not a section; a route has: [" PREFIX
                         "%.*s], and behind its name "
                         "perhaps " REQUEST_HEADERS " or " RESPONSE_HEADERS,
                         section, (int)route.len, route.at);
        return;
    }
    struct config_route_section *found = find_section(loader->config, route);
    if (found == NULL && name == NULL && check_name(loader, route))
        found = add_section(loader, route);
    if (found == NULL)
        return; /* which has been reported */
    if (found->first_line == 0)
        found->first_line = loader->line;
    take_line(loader, found, kind, name, text);
}

/* ---- what the settings mean together ---- */

/* Where a setting stands in a section; NULL for a name that is none of a route's settings. */
static const unsigned *find_line(const struct config_route_section *section, const char *name)
{
    for (size_t i = 0; i < config_route_setting_count; i++)
        if (strcmp(config_route_settings[i].name, name) == 0)
            return &section->lines[i];
    return NULL;
}

unsigned config_route_line(const struct config_route_section *section, const char *name)
{
    const unsigned *line = find_line(section, name);

    return line != NULL ? *line : 0;
}

static bool is_same_path(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool is_same_host(const char *a, const char *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    return authority_same_host(slice_of(a), slice_of(b)) &&
           slice_equals(authority_split(slice_of(a)).port, authority_split(slice_of(b)).port);
}

static const struct config_route_section *
find_same_match(const struct config *config, const struct config_route_section *section)
{
    for (size_t i = 0; &config->sections[i] != section; i++)
        if (is_same_path(config->sections[i].path, section->path) &&
            is_same_host(config->sections[i].host, section->host))
            return &config->sections[i];
    return NULL;
}

static void check_section(struct config_loader *loader, const struct config_route_section *section)
{
    const char *name = section->name;
    bool has_match =
        config_route_line(section, "path") != 0 || config_route_line(section, "host") != 0;

    if (section->line == 0) {
        config_fault(loader, "there is no [" PREFIX "%s] that these headers belong to", name);
        return;
    }
    if (config_route_line(section, "target") == 0)
        config_fault(loader,
                     "[" PREFIX "%s] has no target: set it, for example target = "
                     "https://payments.example.com",
                     name);
    if (!has_match)
        config_fault(loader,
                     "[" PREFIX "%s] is for no request: set path, for example path = /%s, or host; "
                     "for all others there is target in [proxy]",
                     name, name);
    if (section->strip_path && config_route_line(section, "path") == 0)
        config_fault(loader, "[" PREFIX "%s]: strip_path goes with path", name);
    const struct config_route_section *other = find_same_match(loader->config, section);
    if (has_match && other != NULL && !loader->failed)
        config_fault(loader,
                     "[" PREFIX "%s] is for the same requests as [" PREFIX "%s] in line %u: give "
                     "one of them another path or host",
                     name, other->name, other->line);
}

void config_check_sections(struct config_loader *loader)
{
    char place[CONFIG_PLACE_BYTES];

    for (size_t i = 0; i < loader->config->section_count; i++) {
        const struct config_route_section *section = &loader->config->sections[i];
        snprintf(place, sizeof place, "%s:%u", loader->path,
                 section->line != 0 ? section->line : section->first_line);
        loader->place = place;
        check_section(loader, section);
    }
    loader->place = loader->path != NULL ? loader->path : "authbridge";
}

void config_place_of_route(const struct config_route *route, const char *name,
                           char place[CONFIG_PLACE_BYTES])
{
    const unsigned *line = route->section != NULL ? find_line(route->section, name) : NULL;
    bool has_default = strcmp(name, "methods") == 0 || strcmp(name, "reflect_guard") == 0;
    bool is_inherited = line == NULL || (*line == 0 && has_default);

    place[0] = '\0';
    if (is_inherited)
        config_place_of(route->config, "proxy", name, place);
    else if (*line != 0)
        snprintf(place, CONFIG_PLACE_BYTES, "%s:%u", route->config->path, *line);
}

void config_free_sections(struct config *config)
{
    for (size_t i = 0; i < config->section_count; i++)
        free_section(&config->sections[i]);
    free(config->sections);
}
