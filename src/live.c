/* live: tries the target: name, connection, TLS, one HEAD request. */
#include "live.h"

#include <openssl/ssl.h>
#include <signal.h>
#include <string.h>

#include "clock.h"
#include "credentials.h"
#include "keeper_child.h"
#include "live_steps.h"
#include "log.h"
#include "request_id.h"
#include "rewrite.h"
#include "unit.h"
#include "upstream_fault.h"

#define DAYS_WARNED  14
#define ADVICE_BYTES 2048u

/* ---- the request ---- */

static CURLcode set_up_tls(CURL *handle, void *context, void *data)
{
    struct live *live = data;

    (void)handle;
    live->tls_us = clock_now_us();
    chain_watch(&live->chain, context);
    return trust_attach(live->trust, context) ? CURLE_OK : CURLE_SSL_CERTPROBLEM;
}

/* Called when the connection stands: what is known of it only as long as it does is kept. */
static int note_request(void *data, char *ip, char *local_ip, int port, int local_port)
{
    const struct curl_tlssessioninfo *session = NULL;
    struct live *live = data;

    (void)ip, (void)local_ip, (void)port, (void)local_port;
    live->request_ms = clock_now_ms();
    if (live->route->target->is_https && upstream_has_openssl() &&
        curl_easy_getinfo(live->upstream.handle, CURLINFO_TLS_SSL_PTR, &session) == CURLE_OK &&
        session != NULL && session->internals != NULL)
        snprintf(live->tls, sizeof live->tls, "%s, %s", SSL_get_version(session->internals),
                 SSL_get_cipher_name(session->internals));
    return CURL_PREREQFUNC_OK;
}

/* libcurl has no time-out that begins with the request. */
static int watch_time(void *data, curl_off_t down_all, curl_off_t down, curl_off_t up_all,
                      curl_off_t up)
{
    struct live *live = data;

    (void)down_all, (void)down, (void)up_all, (void)up;
    live->timed_out = live->request_ms != 0 &&
                      clock_now_ms() - live->request_ms >= live->config->timeouts.response;
    return live->timed_out ? 1 : 0;
}

static size_t discard(char *at, size_t size, size_t count, void *data)
{
    (void)at, (void)data;
    return size * count;
}

static bool add_line(struct live *live, const char *line)
{
    struct curl_slist *longer = curl_slist_append(live->fields, line);

    if (longer == NULL)
        return false;
    live->fields = longer;
    return true;
}

/* Adds the fields of a head for the target; each line is cut at its end. */
static bool add_lines(struct live *live, struct buffer *sent)
{
    struct slice fields = buffer_content(sent);
    struct http_field field;
    size_t line = (size_t)((const char *)memchr(fields.at, '\n', fields.len) - fields.at) + 1;
    bool added = add_line(live, "Accept:"); /* libcurl's own is not wanted */

    fields = (struct slice){fields.at + line, fields.len - line - 2};
    while (added && http_field_next(&fields, &field)) {
        size_t end = (size_t)(field.line.at - sent->at) + field.line.len - 2;
        sent->at[end] = '\0';
        added = add_line(live, field.line.at);
    }
    return added;
}

/* The fields that the bridge would send for a client of this machine, by its own rewriter. */
static bool add_fields(struct live *live)
{
    static const char came[] = "HEAD / HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n";
    const struct http_limits limits = {sizeof came, sizeof came, 2};
    char request_id[REQUEST_ID_BYTES + 1];
    struct http_request request;
    struct http_fault fault;
    struct http_head head;
    struct buffer sent;

    request_id_make(request_id);
    const struct value_context variables = {.request_id = {request_id, REQUEST_ID_BYTES},
                                            .client_ip = slice_of("127.0.0.1")};
    http_head_init(&head, HTTP_REQUEST, limits);
    if (http_head_parse(&head, came, sizeof came - 1) != HTTP_COMPLETE ||
        !http_request_read(&head, &request, &fault) ||
        !buffer_init(&sent, REWRITE_EXTRA_BYTES + sizeof came +
                                config_fields_bytes_max(&live->route->request_fields)))
        return false;
    bool added =
        rewrite_request(&request, live->route, &variables, &sent) && add_lines(live, &sent);
    explicit_bzero(sent.at, sent.cap);
    buffer_free(&sent);
    return added;
}

static bool set_up(struct live *live)
{
    if (!upstream_init(&live->upstream, live->route, live->trust) || !add_fields(live))
        return false;
    CURL *handle = live->upstream.handle;
    bool is_set =
        curl_easy_setopt(handle, CURLOPT_CONNECT_ONLY, 0L) == CURLE_OK &&
        curl_easy_setopt(handle, CURLOPT_NOBODY, 1L) == CURLE_OK &&
        curl_easy_setopt(handle, CURLOPT_REQUEST_TARGET, live_path(live->route)) == CURLE_OK &&
        curl_easy_setopt(handle, CURLOPT_HTTPHEADER, live->fields) == CURLE_OK &&
        curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, discard) == CURLE_OK &&
        curl_easy_setopt(handle, CURLOPT_PREREQFUNCTION, note_request) == CURLE_OK &&
        curl_easy_setopt(handle, CURLOPT_PREREQDATA, live) == CURLE_OK &&
        curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, watch_time) == CURLE_OK &&
        curl_easy_setopt(handle, CURLOPT_XFERINFODATA, live) == CURLE_OK &&
        curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L) == CURLE_OK;
    if (!is_set || !live->route->target->is_https || !upstream_has_openssl())
        return is_set;
    return curl_easy_setopt(handle, CURLOPT_SSL_CTX_FUNCTION, set_up_tls) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_SSL_CTX_DATA, live) == CURLE_OK;
}

static void print_target(const struct live *live)
{
    const struct target *target = live->route->target;
    char place[CONFIG_PLACE_BYTES];

    config_place_of_route(live->route, "target", place);
    fprintf(live->out, "Trying %s%s%s (%s)\n\n",
            target->unix_path != NULL ? ""
            : target->is_https        ? "https://"
                                      : "http://",
            target->unix_path != NULL ? target->name : target->authority, target->base_path, place);
}

/* ---- the verdict ---- */

/* A certificate is refused for its chain, for its name, or for its key. */
static void explain_certificate(const struct live *live, CURLcode code, char text[ADVICE_BYTES])
{
    const struct config *config = live->config;
    const char *name = config->tls.server_name;
    char found[CHAIN_TEXT_BYTES] = "";

    if (code == CURLE_SSL_PINNEDPUBKEYNOTMATCH) {
        chain_pin(&live->chain, found);
        snprintf(text, ADVICE_BYTES,
                 "its public key is not the one in pinned_key: if its operator has changed the "
                 "key, set pinned_key = %s",
                 found);
    } else if (live->chain.error != 0) {
        chain_explain_error(&live->chain, found);
        snprintf(text, ADVICE_BYTES, "%s", found);
    } else {
        chain_names(&live->chain, found);
        snprintf(text, ADVICE_BYTES,
                 "its certificate is for %s, not for %s: correct the name in target, or set "
                 "server_name to one of the certificate's names",
                 found, name != NULL ? name : live->route->target->host);
    }
}

/* A target of TLS 1.3 that misses our certificate may just close: its alert is lost then. */
static bool may_want_certificate(const struct live *live, const struct fault *fault)
{
    return live->route->target->is_https && live->config->tls.client_cert == NULL &&
           strcmp(fault->type, "connection_terminated") == 0;
}

static void explain_failure(const struct live *live, CURLcode code)
{
    const char *target = live->route->target->name;
    char advice[ADVICE_BYTES];
    char limit[UNIT_TEXT_BYTES];
    struct fault fault;
    long proxy_status = 0;

    upstream_fault_set(&live->upstream, code, &fault);
    if (live->timed_out) {
        unit_format_duration(live->config->timeouts.response, limit);
        fault_set(&fault, 504, "http_response_timeout", "target %s: no answer within response = %s",
                  target, limit);
    }
    if (code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_WEIRD_SERVER_REPLY)
        fault_set(&fault, 502, "http_protocol_error", "target %s: what it answers is not HTTP/1",
                  target);
    curl_easy_getinfo(live->upstream.handle, CURLINFO_HTTP_CONNECTCODE, &proxy_status);
    snprintf(advice, sizeof advice, "%s", upstream_fault_advice(fault.type));
    if (strcmp(fault.type, "tls_certificate_error") == 0 && chain_count(&live->chain) > 0) {
        fault_set(&fault, 502, fault.type, "target %s", target);
        explain_certificate(live, code, advice);
    } else if (code == CURLE_PROXY || (live->request_ms == 0 && proxy_status >= 300)) {
        snprintf(advice, sizeof advice, "check egress, and its user and password");
    } else if (strstr(fault.detail, "alert") != NULL || may_want_certificate(live, &fault)) {
        snprintf(advice, sizeof advice, "%s", upstream_fault_advice("tls_alert_received"));
    }
    log_error("%s: %s", fault.detail, advice);
}

static void print_warnings(const struct live *live)
{
    if (live->route->target->is_https && !live->config->tls.verify)
        fputs("Warning: verify = off: whoever answers there gets the credentials.\n", live->out);
    for (size_t i = 0; i < chain_count(&live->chain); i++)
        if (live->config->tls.verify && chain_days_left(&live->chain, i) < DAYS_WARNED)
            fprintf(live->out,
                    "Warning: certificate %zu expires soon: its operator must renew it.\n", i + 1);
}

/* Any answer shows that the target is there, but for those of a gateway that cannot reach it. */
static bool judge_answer(const struct live *live)
{
    long status = 0;

    curl_easy_getinfo(live->upstream.handle, CURLINFO_RESPONSE_CODE, &status);
    if (status >= 502 && status <= 504) {
        log_error("target %s: answers %ld: a gateway in front of it says that the service is not "
                  "available: ask its operator",
                  live->route->target->name, status);
        return false;
    }
    if (status == 401 || status == 403)
        fprintf(live->out,
                "Warning: the target answers, but refuses the credentials (%ld): check\n"
                "[request-headers], and whether they are good for this path.\n",
                status);
    else if (status >= 500)
        fprintf(live->out, "Warning: the target answers, with an error of its own (%ld).\n",
                status);
    else if (status >= 400)
        fprintf(live->out, "The target answers. %ld may be right for HEAD %s: it is only a try.\n",
                status, live_path(live->route));
    else if (status >= 300)
        fputs("The target answers, with a redirection: clients will get it as it is.\n", live->out);
    else
        fputs("The target answers.\n", live->out);
    return true;
}

static bool report(const struct live *live, CURLcode code)
{
    live_print_steps(live, code == CURLE_OK);
    fputc('\n', live->out);
    if (code == CURLE_OK)
        print_warnings(live);
    fflush(live->out); /* before the error, should both go to one place */
    if (code == CURLE_OK)
        return judge_answer(live);
    explain_failure(live, code);
    return false;
}

static bool try_target(const struct config_route *route, const struct trust *trust, FILE *out)
{
    struct live live = {.config = route->config, .route = route, .trust = trust, .out = out};
    bool available = false;

    if (set_up(&live)) {
        print_target(&live);
        fflush(out);
        live.begun_us = clock_now_us();
        available = report(&live, curl_easy_perform(live.upstream.handle));
    } else {
        log_error("libcurl could not be set up");
    }
    upstream_free(&live.upstream);
    curl_slist_free_all(live.fields);
    chain_free(&live.chain);
    return available;
}

/* ---- tokens ---- */

static bool report_token(const struct config_token *token, FILE *out)
{
    struct token_state state;
    char left[UNIT_TEXT_BYTES];

    token_read_state(token->token, &state);
    if (!state.valid) {
        log_error("token %s: %s", token->name, state.error);
        return false;
    }
    unit_format_duration(state.left_ms / 1000 * 1000, left);
    fprintf(out, "Token %s: there is one%s%s\n", token->name, state.has_end ? ", valid for " : "",
            state.has_end ? left : "");
    return true;
}

/* Gets each token once. Whether there are all of them. */
static bool try_tokens(const struct config *config, FILE *out)
{
    bool all = true;

    if (config->tokens.count == 0)
        return true;
    log_set_level(LEVEL_ERROR); /* the keeper's own messages promise what only the bridge does */
    bool tried = keeper_try_once(config);
    log_set_level(LEVEL_INFO);
    for (size_t i = 0; tried && i < config->tokens.count; i++)
        all = report_token(&config->tokens.items[i], out) && all;
    fputc('\n', out);
    fflush(out);
    return tried && all;
}

static bool try_route(const struct config_route *route, const struct trust *trust, FILE *out)
{
    if (credentials_refresh(route))
        return try_target(route, trust, out);
    fprintf(out, "Not tried: %s, for want of a token\n", route->target->name);
    return false;
}

/* ---- the whole ---- */

bool live_check(const struct config *config, const struct trust *trust, FILE *out)
{
    signal(SIGPIPE, SIG_IGN);
    if (!upstream_init_process(config_has_tls(config))) {
        log_error("libcurl could not be set up");
        return false;
    }
    bool available = try_tokens(config, out);
    for (size_t i = 0; i < config->target_count; i++) {
        if (i > 0)
            fputc('\n', out);
        available = try_route(config_route_to(config, i), trust, out) && available;
    }
    return available;
}
