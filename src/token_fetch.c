/* token_fetch: gets a token from a token endpoint. */
#include "token_fetch.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"

/* ---- the request ---- */

/* Appends text as application/x-www-form-urlencoded has it. */
static void add_encoded(CURL *handle, struct buffer *out, struct slice text)
{
    char *encoded = text.len > 0 ? curl_easy_escape(handle, text.at, (int)text.len) : NULL;

    if (encoded == NULL) {
        out->overflowed = out->overflowed || text.len > 0;
        return;
    }
    buffer_add_text(out, encoded);
    explicit_bzero(encoded, strlen(encoded));
    curl_free(encoded);
}

static void add_parameter(CURL *handle, struct buffer *out, const char *name, struct slice text)
{
    if (buffer_length(out) > 0)
        buffer_add_text(out, "&");
    buffer_add_text(out, name);
    buffer_add_text(out, "=");
    add_encoded(handle, out, text);
}

static struct slice render(const struct value *value, struct buffer *out)
{
    static const struct value_context nobody = {.client_is_trusted = false};
    size_t before = out->end;

    value_render(value, &nobody, out);
    return (struct slice){out->at + before, out->end - before};
}

/* Makes Authorization: Basic (RFC 6749 2.3.1): id and secret are form-urlencoded first. */
static bool add_authorization(struct token_fetch *fetch, struct slice id, struct slice secret)
{
    static const char begin[] = "Authorization: Basic ";
    struct buffer pair = {0};
    bool added = false;

    if (!buffer_init(&pair, 3 * (id.len + secret.len) + 2))
        return false;
    add_encoded(fetch->handle, &pair, id);
    buffer_add_text(&pair, ":");
    add_encoded(fetch->handle, &pair, secret);
    size_t size = sizeof begin + 4 * (pair.end + 2) / 3 + 4;
    char *line = !pair.overflowed ? malloc(size) : NULL;
    if (line != NULL) {
        memcpy(line, begin, sizeof begin - 1);
        EVP_EncodeBlock((unsigned char *)line + sizeof begin - 1, (unsigned char *)pair.at,
                        (int)pair.end);
        struct curl_slist *longer = curl_slist_append(fetch->fields, line);
        added = longer != NULL;
        if (added)
            fetch->fields = longer;
        explicit_bzero(line, size);
    }
    free(line);
    buffer_wipe(&pair);
    buffer_free(&pair);
    return added;
}

static bool make_request(struct token_fetch *fetch)
{
    const struct config_token *token = fetch->token;
    size_t texts = value_bytes_max(&token->client_id) + value_bytes_max(&token->client_secret);
    size_t more = (token->scope != NULL ? strlen(token->scope) : 0) +
                  (token->audience != NULL ? strlen(token->audience) : 0);
    struct buffer plain = {0};
    bool made = true;

    if (!buffer_init(&plain, texts + 1) || !buffer_init(&fetch->body, 3 * (texts + more) + 256)) {
        buffer_free(&plain);
        return false;
    }
    struct slice id = render(&token->client_id, &plain);
    struct slice secret = render(&token->client_secret, &plain);
    add_parameter(fetch->handle, &fetch->body, "grant_type", slice_of("client_credentials"));
    if (token->scope != NULL)
        add_parameter(fetch->handle, &fetch->body, "scope", slice_of(token->scope));
    if (token->audience != NULL)
        add_parameter(fetch->handle, &fetch->body, "audience", slice_of(token->audience));
    if (token->client_auth == TOKEN_AUTH_BASIC) {
        made = add_authorization(fetch, id, secret);
    } else {
        add_parameter(fetch->handle, &fetch->body, "client_id", id);
        add_parameter(fetch->handle, &fetch->body, "client_secret", secret);
    }
    buffer_wipe(&plain);
    buffer_free(&plain);
    return made && !fetch->body.overflowed;
}

/* ---- the transfer ---- */

/* Fewer octets than given end the transfer. */
static size_t take_content(char *at, size_t size, size_t count, void *data)
{
    struct token_fetch *fetch = data;

    buffer_add(&fetch->content, (struct slice){at, size * count});
    return fetch->content.overflowed ? 0 : size * count;
}

static bool set_number(CURL *handle, CURLoption option, long value)
{
    return curl_easy_setopt(handle, option, value) == CURLE_OK;
}

static bool set_text(CURL *handle, CURLoption option, const char *value)
{
    return curl_easy_setopt(handle, option, value) == CURLE_OK;
}

/* Out by the way that requests take, too: an empty text switches off what the environment says. */
static bool set_egress(CURL *handle, const struct config *config)
{
    char *url = config_make_egress_url(config);
    bool is_set = url != NULL && set_text(handle, CURLOPT_PROXY, url);

    if (url != NULL)
        explicit_bzero(url, strlen(url));
    free(url);
    return is_set && set_text(handle, CURLOPT_NOPROXY, "") &&
           set_number(handle, CURLOPT_HTTPPROXYTUNNEL, 1);
}

static bool set_certificates(CURL *handle, const struct config_token *token)
{
    const char *file = token->ca_file != NULL ? token->ca_file : getenv("SSL_CERT_FILE");

    return file == NULL || set_text(handle, CURLOPT_CAINFO, file);
}

static bool set_up(struct token_fetch *fetch, const struct config *config, void *owner)
{
    const struct config_token *token = fetch->token;
    CURL *handle = fetch->handle;

    return set_text(handle, CURLOPT_URL, token->token_url) &&
           set_text(handle, CURLOPT_PROTOCOLS_STR, "http,https") &&
           set_number(handle, CURLOPT_POSTFIELDSIZE, (long)buffer_length(&fetch->body)) &&
           set_text(handle, CURLOPT_POSTFIELDS, buffer_content(&fetch->body).at) &&
           curl_easy_setopt(handle, CURLOPT_HTTPHEADER, fetch->fields) == CURLE_OK &&
           set_text(handle, CURLOPT_USERAGENT, "authbridge/" AUTHBRIDGE_VERSION) &&
           set_number(handle, CURLOPT_FOLLOWLOCATION, 0) &&
           set_number(handle, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1) &&
           set_number(handle, CURLOPT_NOSIGNAL, 1) && set_number(handle, CURLOPT_FORBID_REUSE, 1) &&
           set_number(handle, CURLOPT_TIMEOUT_MS, (long)token->timeout) &&
           set_number(handle, CURLOPT_CONNECTTIMEOUT_MS, (long)token->timeout) &&
           set_number(handle, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2) &&
           set_certificates(handle, token) && set_egress(handle, config) &&
           curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, fetch->error) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, take_content) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_WRITEDATA, fetch) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_PRIVATE, owner) == CURLE_OK;
}

/* Brings the secrets up to date. NULL, or why there is one that cannot be used. */
static const char *refresh_secrets(const struct config_token *token, const struct config *config)
{
    const struct value *const values[] = {&token->client_id, &token->client_secret,
                                          &config->egress_value};
    const char *problem = NULL;

    for (size_t i = 0; i < sizeof values / sizeof values[0] && problem == NULL; i++)
        problem = value_refresh(values[i], clock_now_ms());
    return problem;
}

bool token_fetch_begin(struct token_fetch *fetch, CURLM *multi, const struct config *config,
                       const struct config_token *token, void *owner,
                       char error[TOKEN_FETCH_ERROR_BYTES])
{
    const char *problem = refresh_secrets(token, config);

    *fetch = (struct token_fetch){.token = token};
    if (problem == NULL) {
        fetch->handle = curl_easy_init();
        fetch->fields = curl_slist_append(NULL, "Accept: application/json");
        if (fetch->handle != NULL && fetch->fields != NULL &&
            buffer_init(&fetch->content, TOKEN_RESPONSE_BYTES_MAX) && make_request(fetch) &&
            set_up(fetch, config, owner) && curl_multi_add_handle(multi, fetch->handle) == CURLM_OK)
            return true;
        problem = "out of memory";
    }
    snprintf(error, TOKEN_FETCH_ERROR_BYTES, "%s", problem);
    token_fetch_end(fetch, NULL);
    return false;
}

/* ---- the answer ---- */

static bool fail_transfer(const struct token_fetch *fetch, CURLcode code,
                          char error[TOKEN_FETCH_ERROR_BYTES])
{
    if (fetch->content.overflowed)
        snprintf(error, TOKEN_FETCH_ERROR_BYTES, "the answer is longer than %zu bytes",
                 TOKEN_RESPONSE_BYTES_MAX);
    else
        snprintf(error, TOKEN_FETCH_ERROR_BYTES, "%s",
                 fetch->error[0] != '\0' ? fetch->error : curl_easy_strerror(code));
    return false;
}

static bool fail_status(const struct token_fetch *fetch, long status,
                        char error[TOKEN_FETCH_ERROR_BYTES], long long *retry_after_s)
{
    const char *code = token_response_error(buffer_content(&fetch->content));
    curl_off_t seconds = 0;

    if (status == 429 || status == 503)
        curl_easy_getinfo(fetch->handle, CURLINFO_RETRY_AFTER, &seconds);
    *retry_after_s = (long long)seconds;
    snprintf(error, TOKEN_FETCH_ERROR_BYTES, "the token endpoint answers %ld%s%s", status,
             code != NULL                     ? ", "
             : status >= 300 && status <= 399 ? ": redirects are not followed"
                                              : "",
             code != NULL ? code : "");
    return false;
}

bool token_fetch_read(struct token_fetch *fetch, CURLcode code, struct token_response *response,
                      char error[TOKEN_FETCH_ERROR_BYTES], long long *retry_after_s)
{
    const char *problem;
    long status = 0;

    *retry_after_s = 0;
    if (code != CURLE_OK)
        return fail_transfer(fetch, code, error);
    curl_easy_getinfo(fetch->handle, CURLINFO_RESPONSE_CODE, &status);
    if (status < 200 || status > 299)
        return fail_status(fetch, status, error, retry_after_s);
    if (token_response_read(buffer_content(&fetch->content), response, &problem))
        return true;
    snprintf(error, TOKEN_FETCH_ERROR_BYTES, "%s", problem);
    return false;
}

static void end_buffer(struct buffer *buffer)
{
    if (buffer->at != NULL)
        buffer_wipe(buffer);
    buffer_free(buffer);
}

void token_fetch_end(struct token_fetch *fetch, CURLM *multi)
{
    if (fetch->handle != NULL && multi != NULL)
        curl_multi_remove_handle(multi, fetch->handle);
    curl_easy_cleanup(fetch->handle);
    for (struct curl_slist *line = fetch->fields; line != NULL; line = line->next)
        explicit_bzero(line->data, strlen(line->data));
    curl_slist_free_all(fetch->fields);
    end_buffer(&fetch->body);
    end_buffer(&fetch->content);
    *fetch = (struct token_fetch){0};
}
