/* relay_buffers: the buffers of a connection. */
#include "relay_buffers.h"

#include <string.h>

#include "client.h"
#include "cors.h"
#include "credentials.h"
#include "guard.h"
#include "http_head.h"
#include "rewrite.h"

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

bool relay_buffers_init(struct relay_buffers *buffers, const struct config *config)
{
    size_t added = 0;
    size_t added_back = 0;
    bool replays = false;

    for (size_t i = 0; i < config->route_count; i++) {
        const struct config_route *route = &config->routes[i];
        size_t line = strlen(route->target->base_path) + strlen(route->host);
        added = larger(added, line + config_fields_bytes_max(&route->request_fields));
        added_back = larger(added_back, config_fields_bytes_max(&route->response_fields));
        replays = replays || credentials_exist(route);
    }
    size_t request_head = (size_t)config->limits.request_head + REWRITE_EXTRA_BYTES + added;
    /* More than a head may have, so that one that is too long is seen to be. */
    size_t response = HTTP_RESPONSE_BYTES_MAX + 4096;
    size_t held = config_has_guard(config) ? GUARD_TEXT_BYTES_MAX : 0;
    size_t rewritten =
        response + REWRITE_EXTRA_BYTES + added_back + cors_bytes_max(&config->cors) + held;
    size_t kept = replays ? (size_t)config->limits.replay_body : 0;

    return (kept == 0 || buffer_init(&buffers->kept, kept)) &&
           buffer_init(&buffers->up, request_head + CLIENT_CONTENT_BYTES + kept) &&
           buffer_init(&buffers->down, response) && buffer_init(&buffers->out, rewritten);
}

void relay_buffers_wipe(struct relay_buffers *buffers)
{
    buffer_wipe(&buffers->up);
    buffer_wipe(&buffers->down);
    buffer_wipe(&buffers->out);
    if (buffers->kept.at != NULL)
        buffer_wipe(&buffers->kept);
}
