/* config_secrets: what is read again, though the configuration stays. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "log.h"

static const char *refresh_fields(const struct config_fields *fields, long long now)
{
    const char *problem = NULL;

    for (size_t i = 0; i < fields->count; i++) {
        const char *fault = value_refresh(&fields->items[i].value, now);
        if (fault != NULL)
            problem = fault;
    }
    return problem;
}

static const char *first_of(const char *a, const char *b)
{
    return a != NULL ? a : b;
}

static const char *refresh_both(const struct config_fields *request_fields,
                                const struct config_fields *response_fields, long long now)
{
    const char *problem = refresh_fields(request_fields, now);

    return first_of(problem, refresh_fields(response_fields, now));
}

const char *config_refresh(const struct config *config, long long now)
{
    const char *problem = refresh_both(&config->request_fields, &config->response_fields, now);

    for (size_t i = 0; i < config->section_count; i++)
        problem = first_of(problem, refresh_both(&config->sections[i].request_fields,
                                                 &config->sections[i].response_fields, now));
    if (config->users != NULL)
        problem = first_of(problem, users_refresh(config->users, now));
    for (size_t i = 0; i < config->route_count; i++)
        if (!config_guard_refresh(&config->routes[i]))
            problem = "out of memory";
    return first_of(problem, value_refresh(&config->egress_value, now));
}

const char *config_refresh_route(const struct config_route *route, long long now)
{
    const char *problem = refresh_both(&route->request_fields, &route->response_fields, now);

    return first_of(problem, value_refresh(&route->config->egress_value, now));
}

static void warn_of(const struct config *config, const char *path)
{
    log_warning("user %s cannot read %s: it is used as it was read at the start, a change of it is "
                "not seen, and a reload fails; make it readable for that user",
                config->user, path);
}

/* Files of secrets that only the user of before could read. */
static void keep_unreadable(const struct config *config, const struct value *value)
{
    for (size_t i = 0; i < value->count; i++) {
        struct secret *secret = value->parts[i].secret;
        if (secret != NULL && !secret_keep_if_unreadable(secret))
            warn_of(config, secret_path(secret));
    }
}

static void keep_unreadable_fields(const struct config *config, const struct config_fields *fields)
{
    for (size_t i = 0; i < fields->count; i++)
        keep_unreadable(config, &fields->items[i].value);
}

void config_warn_of_unreadable(const struct config *config, const char *file)
{
    if (file != NULL && access(file, R_OK) != 0)
        log_warning("user %s cannot read %s (%s): a reload fails", config->user, file,
                    strerror(errno));
    keep_unreadable_fields(config, &config->request_fields);
    keep_unreadable_fields(config, &config->response_fields);
    for (size_t i = 0; i < config->section_count; i++) {
        keep_unreadable_fields(config, &config->sections[i].request_fields);
        keep_unreadable_fields(config, &config->sections[i].response_fields);
    }
    keep_unreadable(config, &config->egress_value);
    if (config->users != NULL && !users_keep_if_unreadable(config->users))
        warn_of(config, users_path(config->users));
    for (size_t i = 0; i < config->tokens.count; i++) {
        keep_unreadable(config, &config->tokens.items[i].client_id);
        keep_unreadable(config, &config->tokens.items[i].client_secret);
    }
}
