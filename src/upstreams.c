/* upstreams: a child's connections to targets. */
#include "upstreams.h"

#include <stdlib.h>

bool upstreams_init(struct upstreams *upstreams, const struct config *config,
                    const struct trust *trust)
{
    *upstreams = (struct upstreams){
        .config = config,
        .trust = trust,
        .items = calloc(config->target_count, sizeof *upstreams->items),
        .used = calloc(config->target_count, sizeof *upstreams->used),
    };
    upstreams->is_ready = upstreams->items != NULL && upstreams->used != NULL &&
                          upstream_init_process(config_has_tls(config));
    return upstreams->is_ready;
}

/* Makes room for another one. */
static void free_oldest(struct upstreams *upstreams)
{
    size_t oldest = 0;
    size_t count = 0;

    for (size_t i = 0; i < upstreams->config->target_count; i++) {
        if (upstreams->used[i] == 0)
            continue;
        count++;
        if (upstreams->used[oldest] == 0 || upstreams->used[i] < upstreams->used[oldest])
            oldest = i;
    }
    if (count < UPSTREAMS_MAX)
        return;
    upstream_free(&upstreams->items[oldest]);
    upstreams->used[oldest] = 0;
}

struct upstream *upstreams_take(struct upstreams *upstreams, const struct config_route *route)
{
    size_t target = route->target_index;
    struct upstream *upstream = &upstreams->items[target];

    if (upstream == upstreams->current)
        return upstream;
    if (upstreams->used[target] == 0) {
        free_oldest(upstreams);
        (void)upstream_init(upstream, route, upstreams->trust); /* to connect it says so */
    }
    upstreams->used[target] = ++upstreams->uses;
    upstreams->current = upstream;
    target_states_note_use(upstreams->trust->targets, target);
    return upstream;
}

struct upstream *upstreams_take_likely(struct upstreams *upstreams)
{
    const struct config *config = upstreams->config;
    const struct config_route *general = &config->routes[config->route_count - 1];

    if (general->name[0] == '\0')
        return upstreams_take(upstreams, general);
    size_t target = target_states_last_used(upstreams->trust->targets);
    return upstreams_take(upstreams, config_route_to(config, target));
}

static bool may_stay(const struct upstreams *upstreams, const struct upstream *upstream)
{
    return upstream == upstreams->current && !upstream->is_bound;
}

void upstreams_drop(struct upstreams *upstreams, bool is_last)
{
    for (size_t i = 0; upstreams->is_ready && i < upstreams->config->target_count; i++) {
        struct upstream *upstream = &upstreams->items[i];
        if (upstreams->used[i] != 0 && (is_last || !may_stay(upstreams, upstream)))
            upstream_drop(upstream);
    }
}
