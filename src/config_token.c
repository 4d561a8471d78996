/* config_token: the [token:NAME] sections, and who uses them. */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config_loader.h"
#include "privileges.h"
#include "words.h"

#define NAME_OCTETS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-."

/* Which type of token has a setting. */
#define OAUTH2  (1u << TOKEN_OAUTH2)
#define COMMAND (1u << TOKEN_COMMAND)
#define FILES   (1u << TOKEN_FILE)
#define ALL     (OAUTH2 | COMMAND | FILES)

static const struct {
    const char *name;
    unsigned has, needs;
} uses[] = {
    {"type", ALL, ALL},
    {"token_url", OAUTH2, OAUTH2},
    {"client_id", OAUTH2, OAUTH2},
    {"client_secret", OAUTH2, OAUTH2},
    {"client_auth", OAUTH2, 0},
    {"scope", OAUTH2, 0},
    {"audience", OAUTH2, 0},
    {"ca_file", OAUTH2, 0},
    {"allow_http", OAUTH2, 0},
    {"command", COMMAND, COMMAND},
    {"file", FILES, FILES},
    {"timeout", OAUTH2 | COMMAND, 0},
    {"wait", ALL, 0},
    {"lifetime", ALL, 0},
    {"refresh_margin", OAUTH2 | COMMAND, 0},
};

static unsigned mask_of(const char *setting, bool needs)
{
    for (size_t i = 0; i < sizeof uses / sizeof uses[0]; i++)
        if (strcmp(uses[i].name, setting) == 0)
            return needs ? uses[i].needs : uses[i].has;
    return 0;
}

bool config_token_has(const struct config_token *token, const char *setting)
{
    return (mask_of(setting, false) & (1u << token->type)) != 0;
}

/* ---- lines ---- */

static struct config_token *find_token(const struct config_tokens *tokens, struct slice name)
{
    for (size_t i = 0; i < tokens->count; i++)
        if (slice_equals(slice_of(tokens->items[i].name), name))
            return &tokens->items[i];
    return NULL;
}

static bool is_name(const char *name)
{
    size_t len = strlen(name);

    return len > 0 && len <= CONFIG_TOKEN_NAME_MAX && strspn(name, NAME_OCTETS) == len;
}

static void free_token(struct config_token *token)
{
    char *const texts[] = {token->name,     token->origin,  token->token_url, token->scope,
                           token->audience, token->ca_file, token->command,   token->file};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        free(texts[i]);
    value_free(&token->client_id);
    value_free(&token->client_secret);
    words_free(token->argv);
    free(token->lines);
    token_free(token->token);
}

/* A new token at the end. NULL after a fault. */
static struct config_token *add_token(struct config_loader *loader, const char *name)
{
    struct config_tokens *tokens = &loader->config->tokens;
    struct config_token *grown = realloc(tokens->items, (tokens->count + 1) * sizeof *grown);

    if (grown == NULL) {
        config_fault(loader, "out of memory");
        return NULL;
    }
    tokens->items = grown;
    struct config_token *token = &grown[tokens->count];
    *token = (struct config_token){
        .name = strdup(name),
        .origin = strdup(loader->place),
        .lines = calloc(config_token_setting_count, sizeof *token->lines),
        .token = token_new(name),
    };
    config_set_defaults(token, config_token_settings, config_token_setting_count);
    if (token->name != NULL && token->origin != NULL && token->lines != NULL &&
        token->token != NULL) {
        tokens->count++;
        return token;
    }
    config_fault(loader, "out of memory");
    free_token(token);
    return NULL;
}

static struct config_token *place_token(struct config_loader *loader, const char *name)
{
    struct config_token *token = find_token(&loader->config->tokens, slice_of(name));

    if (token != NULL)
        return token;
    if (!is_name(name)) {
        config_fault(loader,
                     "[token:%.60s]: a token's name has 1 to %u letters, digits, -, _ and .", name,
                     CONFIG_TOKEN_NAME_MAX);
        return NULL;
    }
    if (loader->config->tokens.count == CONFIG_TOKENS_MAX) {
        config_fault(loader, "there can be %u tokens", CONFIG_TOKENS_MAX);
        return NULL;
    }
    return add_token(loader, name);
}

/* The digest goes on from setting to setting. */
static bool digest_setting(struct config_token *token, const char *name, const char *text)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool done = context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1 &&
                EVP_DigestUpdate(context, token->digest, sizeof token->digest) == 1 &&
                EVP_DigestUpdate(context, name, strlen(name) + 1) == 1 &&
                EVP_DigestUpdate(context, text, strlen(text)) == 1 &&
                EVP_DigestFinal_ex(context, token->digest, NULL) == 1;

    EVP_MD_CTX_free(context);
    return done;
}

static void take_setting(struct config_loader *loader, struct config_token *token, const char *name,
                         const char *text)
{
    for (size_t i = 0; i < config_token_setting_count; i++) {
        if (strcmp(config_token_settings[i].name, name) != 0)
            continue;
        if (token->lines[i] != 0) {
            config_fault(loader, "%s stands twice in [token:%s]: first in line %u", name,
                         token->name, token->lines[i]);
            return;
        }
        token->lines[i] = loader->line;
        loader->base = token;
        config_set_value(loader, &config_token_settings[i], text);
        loader->base = loader->config;
        if (!digest_setting(token, name, text))
            config_fault(loader, "out of memory");
        return;
    }
    config_fault(loader, "this is not a setting of [token:NAME], which has: %s",
                 config_names_of(NULL));
}

void config_take_token_line(struct config_loader *loader, const char *token, const char *name,
                            const char *text)
{
    struct config_token *found = place_token(loader, token);

    if (found != NULL && name != NULL)
        take_setting(loader, found, name, text);
}

/* ---- what the settings of one mean together ---- */

/* Points faults to a setting, or to the section where that is not set. */
static void point_to(struct config_loader *loader, const struct config_token *token,
                     const char *setting, char place[CONFIG_PLACE_BYTES])
{
    loader->place = token->origin;
    for (size_t i = 0; i < config_token_setting_count; i++) {
        if (strcmp(config_token_settings[i].name, setting) != 0 || token->lines[i] == 0)
            continue;
        snprintf(place, CONFIG_PLACE_BYTES, "%s:%u", loader->path, token->lines[i]);
        loader->place = place;
    }
}

static bool is_loopback(const char *host)
{
    size_t len = strlen(host);
    struct in_addr address;

    if (inet_pton(AF_INET, host, &address) == 1)
        return ntohl(address.s_addr) >> 24 == 127;
    return strcmp(host, "[::1]") == 0 || strcmp(host, "localhost") == 0 ||
           (len > 10 && strcmp(host + len - 10, ".localhost") == 0);
}

/* NULL, or what is wrong with the URL. */
static const char *judge_url(const struct config_token *token)
{
    CURLU *url = curl_url();
    char *scheme = NULL;
    char *host = NULL;
    char *user = NULL;
    const char *fault = "give the token endpoint's URL, for example https://id.example.com/token";

    if (url != NULL && curl_url_set(url, CURLUPART_URL, token->token_url, 0) == CURLUE_OK &&
        curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
        curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK) {
        if (curl_url_get(url, CURLUPART_USER, &user, 0) == CURLUE_OK)
            fault = "user and password belong into client_id and client_secret";
        else if (strcmp(scheme, "https") == 0)
            fault = NULL;
        else if (strcmp(scheme, "http") == 0)
            fault = token->allow_http || is_loopback(host)
                        ? NULL
                        : "the secret would go over the network as it is: use https://, or set "
                          "allow_http = on";
    }
    curl_free(scheme);
    curl_free(host);
    curl_free(user);
    curl_url_cleanup(url);
    return fault;
}

static void check_oauth2(struct config_loader *loader, const struct config_token *token)
{
    char place[CONFIG_PLACE_BYTES];
    const char *fault = token->token_url != NULL ? judge_url(token) : NULL;

    point_to(loader, token, "token_url", place);
    if (fault != NULL)
        config_fault(loader, "token_url: %s", fault);
    point_to(loader, token, "ca_file", place);
    if (token->ca_file != NULL && access(token->ca_file, R_OK) != 0)
        config_fault(loader, "ca_file = %s: cannot read: %s%s", token->ca_file, strerror(errno),
                     privileges_advice(errno));
}

static void check_command(struct config_loader *loader, struct config_token *token)
{
    char place[CONFIG_PLACE_BYTES];
    const char *problem;

    if (token->command == NULL)
        return;
    point_to(loader, token, "command", place);
    token->argv = words_split(token->command, &problem);
    if (token->argv == NULL)
        config_fault(loader, "command: %s", problem);
    else if (token->argv[0][0] != '/')
        config_fault(loader, "command: give the program's whole path, for example /usr/bin/%.60s",
                     token->argv[0]);
    else if (access(token->argv[0], X_OK) != 0)
        config_fault(loader, "command: cannot run %.200s: %s", token->argv[0], strerror(errno));
}

static void check_file(struct config_loader *loader, const struct config_token *token)
{
    char place[CONFIG_PLACE_BYTES];

    point_to(loader, token, "file", place);
    if (token->file != NULL && token->file[0] != '/')
        config_fault(loader, "file = %s: give the whole path", token->file);
}

/* That it has what its type needs, and nothing that belongs to another. */
static void check_settings(struct config_loader *loader, const struct config_token *token)
{
    char place[CONFIG_PLACE_BYTES];
    unsigned type = 1u << token->type;

    for (size_t i = 0; i < config_token_setting_count; i++) {
        const char *name = config_token_settings[i].name;
        point_to(loader, token, name, place);
        if (token->lines[i] != 0 && (mask_of(name, false) & type) == 0)
            config_fault(loader, "%s does not go with type = %s", name,
                         config_token_settings[0].names[token->type]);
        else if (token->lines[i] == 0 && (mask_of(name, true) & type) != 0)
            config_fault(loader, "[token:%s]: type = %s needs %s", token->name,
                         config_token_settings[0].names[token->type], name);
    }
}

static void check_token(struct config_loader *loader, struct config_token *token)
{
    loader->place = token->origin;
    if (token->type == TOKEN_TYPES) {
        if (token->lines[0] == 0)
            config_fault(loader, "[token:%s] needs type = oauth2, command or file", token->name);
        return;
    }
    check_settings(loader, token);
    if (token->type == TOKEN_OAUTH2)
        check_oauth2(loader, token);
    else if (token->type == TOKEN_COMMAND)
        check_command(loader, token);
    else
        check_file(loader, token);
}

/* ---- who uses them ---- */

static void lead_to_tokens(struct config_loader *loader, const struct config_fields *fields)
{
    const struct config_tokens *tokens = &loader->config->tokens;

    for (size_t i = 0; i < fields->count; i++) {
        const struct config_field *field = &fields->items[i];
        for (size_t p = 0; p < field->value.count; p++) {
            struct value_part *part = &field->value.parts[p];
            if (part->kind != VALUE_TOKEN || part->token != NULL)
                continue;
            const struct config_token *token =
                find_token(tokens, (struct slice){part->text, part->len});
            loader->place = field->origin;
            if (token != NULL)
                part->token = token->token;
            else
                config_fault(loader, "%s: there is no section [token:%.*s]", field->name,
                             part->len < 60 ? (int)part->len : 60, part->text);
        }
    }
}

static void refuse_tokens(struct config_loader *loader, const struct config_fields *fields)
{
    for (size_t i = 0; i < fields->count; i++) {
        loader->place = fields->items[i].origin;
        for (size_t p = 0; p < fields->items[i].value.count; p++)
            if (fields->items[i].value.parts[p].kind == VALUE_TOKEN)
                config_fault(loader, "%s: a token is for the target: clients would get it",
                             fields->items[i].name);
    }
}

void config_tokens_conclude(struct config_loader *loader)
{
    struct config *config = loader->config;

    for (size_t i = 0; i < config->tokens.count; i++)
        check_token(loader, &config->tokens.items[i]);
    lead_to_tokens(loader, &config->request_fields);
    refuse_tokens(loader, &config->response_fields);
    for (size_t i = 0; i < config->section_count; i++) {
        lead_to_tokens(loader, &config->sections[i].request_fields);
        refuse_tokens(loader, &config->sections[i].response_fields);
    }
    loader->place = loader->path;
}

void config_tokens_free(struct config *config)
{
    for (size_t i = 0; i < config->tokens.count; i++)
        free_token(&config->tokens.items[i]);
    free(config->tokens.items);
}

void config_adopt_tokens(struct config *config, struct config *old)
{
    for (size_t i = 0; i < old->tokens.count; i++) {
        struct config_token *from = &old->tokens.items[i];
        struct config_token *to = find_token(&config->tokens, slice_of(from->name));
        if (to != NULL && memcmp(to->digest, from->digest, sizeof to->digest) == 0)
            token_adopt(to->token, from->token);
        else
            token_retire(from->token);
    }
}
