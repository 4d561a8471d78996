/* credentials: whether the tokens that a request is given are there. */
#include "credentials.h"

#include "client.h"
#include "wait.h"

#define SLICE_MS 50 /* of a wait, until it is looked whether the client is there */

/* The next token of the route, from field *at and its part *part on; NULL behind the last. */
static struct token *next_token(const struct config_route *route, size_t *at, size_t *part)
{
    const struct config_fields *fields = &route->request_fields;

    for (; *at < fields->count; (*at)++, *part = 0) {
        const struct value *value = &fields->items[*at].value;
        while (*part < value->count) {
            const struct value_part *found = &value->parts[(*part)++];
            if (found->kind == VALUE_TOKEN && found->token != NULL)
                return found->token;
        }
    }
    return NULL;
}

static const struct config_token *config_of(const struct config *config, const struct token *token)
{
    const struct config_token *found = config->tokens.items;

    while (found->token != token)
        found++;
    return found;
}

/* Waits for a token that is not there. */
static enum credentials await_token(struct token *token, long long wait_ms, int client_fd)
{
    long long deadline = token_now_ms() + wait_ms;
    long long ended_ms = 0;

    token_ring(); /* the machine may have slept: the keeper need not know yet what is due */
    for (;;) {
        uint32_t seen = token_news(token);
        if (token_refresh(token))
            return CREDENTIALS_READY;
        long long left = deadline - token_now_ms();
        if (left <= 0 || token_is_retired(token) || !token_may_come(token, deadline))
            return CREDENTIALS_MISSING;
        token_await_news(token, seen, left < SLICE_MS ? left : SLICE_MS);
        if (wait_peer_is_gone(client_fd, CLIENT_HALF_CLOSED_MS, &ended_ms))
            return CREDENTIALS_CLIENT_GONE;
    }
}

enum credentials credentials_await(const struct config_route *route, int client_fd)
{
    enum credentials result = CREDENTIALS_READY;
    struct token *token;
    size_t part = 0;

    for (size_t at = 0; (token = next_token(route, &at, &part)) != NULL;) {
        if (!token_refresh(token))
            result = await_token(token, config_of(route->config, token)->wait, client_fd);
        if (result != CREDENTIALS_READY)
            break;
    }
    return result;
}

bool credentials_refresh(const struct config_route *route)
{
    bool all = true;
    struct token *token;
    size_t part = 0;

    for (size_t at = 0; (token = next_token(route, &at, &part)) != NULL;)
        all = token_refresh(token) && all;
    return all;
}

bool credentials_exist(const struct config_route *route)
{
    size_t part = 0;
    size_t at = 0;

    return next_token(route, &at, &part) != NULL;
}

/* Waits for another token than the one that was refused. */
static enum credentials renew(struct token *token, const struct config_token *config, int client_fd)
{
    long long deadline = token_now_ms() + config->timeout;
    long long ended_ms = 0;

    if (token_has_successor(token))
        return CREDENTIALS_READY;
    if (token_is_retired(token))
        return CREDENTIALS_MISSING;
    uint32_t wish = token_refuse(token);
    for (;;) {
        uint32_t seen = token_news(token);
        bool is_over = token_has_dealt_with(token, wish) || token_now_ms() >= deadline;
        if (token_has_successor(token))
            return CREDENTIALS_READY;
        if (is_over)
            return CREDENTIALS_MISSING;
        token_await_news(token, seen, SLICE_MS);
        if (wait_peer_is_gone(client_fd, CLIENT_HALF_CLOSED_MS, &ended_ms))
            return CREDENTIALS_CLIENT_GONE;
    }
}

enum credentials credentials_renew(const struct config_route *route, int client_fd)
{
    enum credentials result = CREDENTIALS_MISSING;
    struct token *token;
    size_t part = 0;

    for (size_t at = 0; (token = next_token(route, &at, &part)) != NULL;) {
        enum credentials one = renew(token, config_of(route->config, token), client_fd);
        if (one == CREDENTIALS_CLIENT_GONE)
            return one;
        if (one == CREDENTIALS_READY)
            result = one;
    }
    return credentials_refresh(route) ? result : CREDENTIALS_MISSING;
}

bool credentials_are_outdated(const struct config_route *route)
{
    struct token *token;
    size_t part = 0;

    for (size_t at = 0; (token = next_token(route, &at, &part)) != NULL;)
        if (token_is_retired(token))
            return true;
    return false;
}
