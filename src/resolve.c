/* resolve: tells libcurl the addresses that the keeper has found. */
#include "resolve.h"

#include <stdio.h>
#include <string.h>

#define ENTRY_BYTES (NAME_BYTES_MAX + 300)

static void add_entry(struct resolve *resolve, const struct config *config, const char *host,
                      const char *port)
{
    struct name *name = config_find_name(config, host);

    if (name == NULL)
        return;
    resolve->entries[resolve->count].name = name;
    resolve->entries[resolve->count++].port = port;
}

void resolve_init(struct resolve *resolve, const struct config_route *route)
{
    const struct config *config = route->config;

    *resolve = (struct resolve){0};
    if (route->target->unix_path == NULL &&
        (config->egress.url == NULL || !config->egress.resolves))
        add_entry(resolve, config, route->target->host, route->target->port);
    if (config->egress.url != NULL)
        add_entry(resolve, config, config->egress.host, config->egress.port);
    resolve->peer_name = config_find_name(config, config->egress.url != NULL ? config->egress.host
                                                                             : route->target->host);
}

void resolve_free(struct resolve *resolve)
{
    curl_slist_free_all(resolve->list);
    *resolve = (struct resolve){0};
}

/* "+" makes an entry that libcurl forgets after a while, as one that it has looked up by itself;
 * "-" takes it out, so that it does look (CURLOPT_RESOLVE(3)). */
static bool add_line(struct curl_slist **list, const char *mark, const char *host, const char *port,
                     struct slice addresses)
{
    char line[ENTRY_BYTES];

    if ((size_t)snprintf(line, sizeof line, "%s%s:%s%s%.*s", mark, host, port,
                         addresses.len > 0 ? ":" : "", (int)addresses.len,
                         addresses.len > 0 ? addresses.at : "") >= sizeof line)
        return false;
    struct curl_slist *longer = curl_slist_append(*list, line);
    if (longer != NULL)
        *list = longer;
    return longer != NULL;
}

bool resolve_apply(struct resolve *resolve, CURL *handle)
{
    struct curl_slist *list = NULL;
    bool added = true;

    for (size_t i = 0; i < resolve->count; i++) {
        const char *host = name_host(resolve->entries[i].name);
        struct slice addresses = name_addresses(resolve->entries[i].name);
        if (addresses.len > 0 || resolve->entries[i].told)
            added = add_line(&list, addresses.len > 0 ? "+" : "-", host, resolve->entries[i].port,
                             addresses) &&
                    added;
        resolve->entries[i].told = addresses.len > 0;
    }
    added = added && curl_easy_setopt(handle, CURLOPT_RESOLVE, list) == CURLE_OK;
    curl_slist_free_all(added ? resolve->list : list);
    if (added)
        resolve->list = list;
    return added;
}

void resolve_note_peer(struct resolve *resolve, CURL *handle)
{
    const char *address = NULL;

    resolve->peer[0] = '\0';
    if (resolve->peer_name != NULL &&
        curl_easy_getinfo(handle, CURLINFO_PRIMARY_IP, &address) == CURLE_OK && address != NULL)
        snprintf(resolve->peer, sizeof resolve->peer, "%s", address);
}

bool resolve_has_moved(const struct resolve *resolve)
{
    if (resolve->peer_name == NULL || resolve->peer[0] == '\0')
        return false;
    struct slice addresses = name_addresses(resolve->peer_name);
    return addresses.len > 0 && !name_list_has(addresses, resolve->peer);
}
