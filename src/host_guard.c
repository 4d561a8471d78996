/* host_guard: whether a request was made for this bridge. */
#include "host_guard.h"

#include "authority.h"

bool host_guard_applies(const struct config *config, const struct http_request *request)
{
    return config->hosts.count > 0 || request->browser.marked;
}

static bool is_listed(const struct config *config, struct slice authority)
{
    for (size_t i = 0; i < config->hosts.count; i++) {
        struct slice pattern = slice_of(config->hosts.items[i]);
        bool is_all = slice_equals(pattern, slice_of("*"));
        if (is_all || (authority.len > 0 && authority_matches(authority, pattern)))
            return true;
    }
    return false;
}

static bool is_of_route(const struct config *config, struct slice authority)
{
    for (size_t i = 0; i < config->route_count; i++) {
        const char *host = config->routes[i].match_host;
        if (host != NULL && authority_same_host(authority, slice_of(host)))
            return true;
    }
    return false;
}

/* Whether it is that address, with its port or without one. */
static bool is_at(struct slice authority, const struct address *host,
                  const struct address *listener)
{
    char text[ADDRESS_TEXT_BYTES];
    struct address bare;

    if (address_is_unix(listener))
        return false;
    address_format(listener, text);
    struct slice listens = slice_of(text);
    if (!authority_is_address(listens, &bare) || !address_equals(host, &bare))
        return false;
    return authority_split(authority).port.len == 0 || authority_matches(authority, listens);
}

/* Whether an address stands for this machine. */
static bool is_address_of_ours(const struct config *config, struct slice authority,
                               const struct address *host, const struct address *local)
{
    if (config->hosts.count == 0)
        return true;
    for (size_t i = 0; i < config->listen_count; i++)
        if (is_at(authority, host, &config->listen[i].address))
            return true;
    if (local == NULL || address_is_unix(local))
        return false;
    return is_at(authority, host, local) ||
           (address_is_loopback(local) && address_is_loopback(host));
}

bool host_guard_admits(const struct config *config, struct slice authority,
                       const struct address *local)
{
    struct address host;

    if (is_listed(config, authority))
        return true;
    if (authority.len == 0)
        return false;
    if (authority_is_localhost(authority) || is_of_route(config, authority))
        return true;
    return authority_is_address(authority, &host) &&
           is_address_of_ours(config, authority, &host, local);
}
