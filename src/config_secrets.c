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

const char *config_refresh(const struct config *config, long long now)
{
    const char *problems[] = {
        refresh_fields(&config->request_fields, now),
        refresh_fields(&config->response_fields, now),
        value_refresh(&config->egress_value, now),
    };

    for (size_t i = 0; i < sizeof problems / sizeof problems[0]; i++)
        if (problems[i] != NULL)
            return problems[i];
    return NULL;
}

/* Files of secrets that only the user of before could read. */
static void keep_unreadable(const struct config *config, const struct value *value)
{
    for (size_t i = 0; i < value->count; i++) {
        struct secret *secret = value->parts[i].secret;
        if (secret != NULL && !secret_keep_if_unreadable(secret))
            log_warning("user %s cannot read %s: it is used as it was read at the start, a change "
                        "of it is not seen, and a reload fails; make it readable for that user",
                        config->user, secret_path(secret));
    }
}

void config_warn_of_unreadable(const struct config *config, const char *file)
{
    const struct config_fields *sections[] = {&config->request_fields, &config->response_fields};

    if (file != NULL && access(file, R_OK) != 0)
        log_warning("user %s cannot read %s (%s): a reload fails", config->user, file,
                    strerror(errno));
    for (size_t s = 0; s < sizeof sections / sizeof sections[0]; s++)
        for (size_t i = 0; i < sections[s]->count; i++)
            keep_unreadable(config, &sections[s]->items[i].value);
    keep_unreadable(config, &config->egress_value);
    for (size_t i = 0; i < config->tokens.count; i++) {
        keep_unreadable(config, &config->tokens.items[i].client_id);
        keep_unreadable(config, &config->tokens.items[i].client_secret);
    }
}
