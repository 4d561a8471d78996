/* upstream: the connection to the target, by libcurl in CONNECT_ONLY mode. */
#include "upstream.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "client.h"
#include "clock.h"
#include "plain.h"
#include "scoreboard.h"
#include "upstream_fault.h"

#define WATCH_MS 25   /* how often a wait for the connection looks whether the client is there */
#define WAIT_MS  1000 /* at most, without a client: libcurl's own time-outs come first */

#define TLS_BYTES_AHEAD   ((size_t)64 * 1024) /* four records */
#define RECEIVE_BYTES_MAX (256L * 1024) /* that libcurl hands over at a time; 16 KiB unless set */

/* Probes that find out when a firewall has forgotten an idle connection. */
#define KEEPALIVE_IDLE_S     30
#define KEEPALIVE_INTERVAL_S 10

/* ---- set-up ---- */

/* Offers the session that is shared, and keeps the connection's TLS and the end of the target's
 * certificate. libcurl has no other place for the first, and gives a connection's TLS only after
 * its first read or write. */
static void note_handshake(const SSL *tls, int where, int value)
{
    struct upstream *upstream = SSL_CTX_get_app_data(SSL_get_SSL_CTX(tls));
    const X509 *certificate = SSL_get0_peer_certificate(tls);
    bool is_first = upstream->tls.ssl == NULL; /* else a target with TLS 1.2 renegotiates */
    struct tm expires;

    (void)value;
    if ((where & SSL_CB_HANDSHAKE_START) != 0 && is_first)
        tls_session_offer(upstream->trust->sessions, upstream->target_index, (SSL *)tls);
    if ((where & SSL_CB_HANDSHAKE_DONE) == 0)
        return;
    upstream->tls.ssl = (SSL *)tls;
    if (certificate != NULL && ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &expires) == 1)
        upstream->certificate_expires = (int64_t)timegm(&expires);
}

/* 0: the session stays the caller's. */
static int keep_session(SSL *tls, SSL_SESSION *session)
{
    const struct upstream *upstream = SSL_CTX_get_app_data(SSL_get_SSL_CTX(tls));

    tls_session_keep(upstream->trust->sessions, upstream->target_index, session);
    return 0;
}

/* Attaches the shared certificates and key, lets a write be continued from a buffer that moved, and
 * has TLS read what is there at once, not each record in two calls. */
static CURLcode set_up_tls(CURL *handle, void *context, void *data)
{
    struct upstream *upstream = data;
    SSL_CTX *tls = context;

    (void)handle;
    SSL_CTX_clear_options(tls, SSL_OP_NO_TICKET); /* libcurl's: TLS 1.2 resumes by tickets, too */
    SSL_CTX_set_mode(tls, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_ENABLE_PARTIAL_WRITE);
    SSL_CTX_set_read_ahead(tls, 1);
    SSL_CTX_set_default_read_buffer_len(tls, TLS_BYTES_AHEAD);
    SSL_CTX_set_app_data(tls, upstream);
    SSL_CTX_set_info_callback(tls, note_handshake);
    SSL_CTX_sess_set_new_cb(tls, keep_session); /* in place of libcurl's own, which dies with us */
    return trust_attach(upstream->trust, tls) ? CURLE_OK : CURLE_SSL_CERTPROBLEM;
}

static bool set_number(struct upstream *upstream, CURLoption option, long value)
{
    return curl_easy_setopt(upstream->handle, option, value) == CURLE_OK;
}

static bool set_text(struct upstream *upstream, CURLoption option, const char *value)
{
    return curl_easy_setopt(upstream->handle, option, value) == CURLE_OK;
}

static bool set_up_proxy(struct upstream *upstream)
{
    char *url = config_make_egress_url(upstream->config);

    /* An empty text switches off http_proxy and its kin in the environment. */
    bool is_set = url != NULL && set_text(upstream, CURLOPT_PROXY, url);
    if (url != NULL)
        explicit_bzero(url, strlen(url));
    free(url);
    return is_set && set_text(upstream, CURLOPT_NOPROXY, "") &&
           set_number(upstream, CURLOPT_HTTPPROXYTUNNEL, 1) &&
           set_number(upstream, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1);
}

/* The TLS name comes from the URL: with server_name set, the URL has that name, and CONNECT_TO
 * leads it to the target's address. */
static bool set_up_url(struct upstream *upstream)
{
    const struct target *target = upstream->target;
    const char *name = upstream->config->tls.server_name;
    char text[1024];

    if (target->unix_path != NULL &&
        !set_text(upstream, CURLOPT_UNIX_SOCKET_PATH, target->unix_path))
        return false;
    if (name == NULL || !target->is_https)
        return set_text(upstream, CURLOPT_URL, target->url);

    bool is_ipv6 = strchr(target->host, ':') != NULL;
    snprintf(text, sizeof text, "::%s%s%s:%s", is_ipv6 ? "[" : "", target->host, is_ipv6 ? "]" : "",
             target->port);
    upstream->connect_to = curl_slist_append(NULL, text);
    if (upstream->connect_to == NULL ||
        curl_easy_setopt(upstream->handle, CURLOPT_CONNECT_TO, upstream->connect_to) != CURLE_OK)
        return false;
    snprintf(text, sizeof text, "https://%s:%s/", name, target->port);
    return set_text(upstream, CURLOPT_URL, text);
}

bool upstream_has_openssl(void)
{
    static int known; /* it takes a look into each library that libcurl uses */

    if (known == 0) {
        const char *backend = curl_version_info(CURLVERSION_NOW)->ssl_version;
        known = backend != NULL && strncmp(backend, "OpenSSL", 7) == 0 ? 1 : -1;
    }
    return known > 0;
}

/* Where libcurl's TLS is not OpenSSL's, it reads the files by itself: slower, still right. */
static bool set_up_files(struct upstream *upstream)
{
    const struct config *config = upstream->config;
    const char *cert = config->tls.client_cert;
    const char *key = config->tls.client_key != NULL ? config->tls.client_key : cert;

    return (config->tls.ca_file == NULL ||
            set_text(upstream, CURLOPT_CAINFO, config->tls.ca_file)) &&
           (cert == NULL ||
            (set_text(upstream, CURLOPT_SSLCERT, cert) && set_text(upstream, CURLOPT_SSLKEY, key)));
}

static bool set_up_trust(struct upstream *upstream)
{
    if (!upstream_has_openssl())
        return set_up_files(upstream);
    return set_text(upstream, CURLOPT_CAINFO, NULL) && set_text(upstream, CURLOPT_CAPATH, NULL) &&
           curl_easy_setopt(upstream->handle, CURLOPT_SSL_CTX_FUNCTION, set_up_tls) == CURLE_OK &&
           curl_easy_setopt(upstream->handle, CURLOPT_SSL_CTX_DATA, upstream) == CURLE_OK;
}

static bool set_up_verification(struct upstream *upstream)
{
    const struct config *config = upstream->config;

    return set_number(upstream, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2) &&
           set_number(upstream, CURLOPT_SSL_VERIFYPEER, config->tls.verify ? 1 : 0) &&
           set_number(upstream, CURLOPT_SSL_VERIFYHOST, config->tls.verify ? 2 : 0) &&
           set_up_trust(upstream) &&
           (config->tls.pinned_key == NULL ||
            set_text(upstream, CURLOPT_PINNEDPUBLICKEY, config->tls.pinned_key));
}

static bool set_up_handle(struct upstream *upstream)
{
    return curl_easy_setopt(upstream->handle, CURLOPT_ERRORBUFFER, upstream->error) == CURLE_OK &&
           set_number(upstream, CURLOPT_CONNECT_ONLY, 1) &&
           set_number(upstream, CURLOPT_NOSIGNAL, 1) &&
           set_number(upstream, CURLOPT_QUICK_EXIT, 1) &&
           set_number(upstream, CURLOPT_BUFFERSIZE, RECEIVE_BYTES_MAX) &&
           set_number(upstream, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1) &&
           set_number(upstream, CURLOPT_TCP_NODELAY, 1) &&
           set_number(upstream, CURLOPT_TCP_KEEPALIVE, 1) &&
           set_number(upstream, CURLOPT_TCP_KEEPIDLE, KEEPALIVE_IDLE_S) &&
           set_number(upstream, CURLOPT_TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S) &&
           set_number(upstream, CURLOPT_CONNECTTIMEOUT_MS,
                      (long)upstream->config->timeouts.connect) &&
           set_text(upstream, CURLOPT_PROTOCOLS_STR, "http,https") && set_up_url(upstream) &&
           set_up_proxy(upstream) && (!upstream->target->is_https || set_up_verification(upstream));
}

bool upstream_init_process(bool has_tls)
{
    return curl_global_init(has_tls ? CURL_GLOBAL_SSL : CURL_GLOBAL_NOTHING) == CURLE_OK;
}

bool upstream_init(struct upstream *upstream, const struct config_route *route,
                   const struct trust *trust)
{
    *upstream = (struct upstream){
        .config = route->config,
        .target = route->target,
        .target_index = route->target_index,
        .trust = trust,
        .fd = -1,
    };
    resolve_init(&upstream->resolve, route);
    upstream->multi = curl_multi_init();
    upstream->handle = curl_easy_init();
    upstream->is_ready =
        upstream->multi != NULL && upstream->handle != NULL && set_up_handle(upstream);
    return upstream->is_ready;
}

/* ---- connecting ---- */

static bool take_result(struct upstream *upstream, CURLcode *code)
{
    int left;
    const CURLMsg *message = curl_multi_info_read(upstream->multi, &left);

    if (message == NULL || message->msg != CURLMSG_DONE)
        return false;
    *code = message->data.result;
    return true;
}

/* Whom a connection is made for, which ends the wait for it. */
struct waiter {
    int client_fd;      /* -1: none yet */
    int wake_fd;        /* -1: none */
    long long ended_ms; /* of wait_peer_is_gone */
};

/* Waits for libcurl's sockets. What ends the wait, or UPSTREAM_CONNECTED to go on. */
static enum upstream_outcome wait_for_connection(struct upstream *upstream, struct waiter *waiter)
{
    struct curl_waitfd wake = {.fd = waiter->wake_fd, .events = CURL_WAIT_POLLIN};

    if (waiter->wake_fd >= 0) {
        curl_multi_poll(upstream->multi, &wake, 1, WAIT_MS, NULL);
        return wake.revents != 0 ? UPSTREAM_INTERRUPTED : UPSTREAM_CONNECTED;
    }
    curl_multi_poll(upstream->multi, NULL, 0, WATCH_MS, NULL);
    return wait_peer_is_gone(waiter->client_fd, CLIENT_HALF_CLOSED_MS, &waiter->ended_ms)
               ? UPSTREAM_CLIENT_GONE
               : UPSTREAM_CONNECTED;
}

void upstream_free(struct upstream *upstream)
{
    upstream_drop(upstream);
    curl_easy_cleanup(upstream->handle);
    curl_multi_cleanup(upstream->multi);
    curl_slist_free_all(upstream->connect_to);
    resolve_free(&upstream->resolve);
    *upstream = (struct upstream){.fd = -1};
}

/* Drives libcurl until the connection stands or has failed, or the wait for it ends. */
static enum upstream_outcome drive(struct upstream *upstream, struct waiter *waiter, CURLcode *code)
{
    enum upstream_outcome outcome = UPSTREAM_CONNECTED;
    int running = 0;

    while (outcome == UPSTREAM_CONNECTED) {
        if (curl_multi_perform(upstream->multi, &running) != CURLM_OK) {
            *code = CURLE_OUT_OF_MEMORY;
            return UPSTREAM_UNREACHABLE;
        }
        if (take_result(upstream, code))
            return *code == CURLE_OK ? UPSTREAM_CONNECTED : UPSTREAM_UNREACHABLE;
        outcome = wait_for_connection(upstream, waiter);
    }
    return outcome;
}

/* Puts the handle to work. */
static bool begin_connecting(struct upstream *upstream)
{
    bool is_ready =
        upstream->is_ready && (upstream->config->egress_value.count == 0 || set_up_proxy(upstream));

    (void)resolve_apply(&upstream->resolve, upstream->handle); /* libcurl can do without */
    upstream->error[0] = '\0';
    upstream->began_us = clock_now_us();
    upstream->connecting =
        is_ready && curl_multi_add_handle(upstream->multi, upstream->handle) == CURLM_OK;
    return upstream->connecting;
}

static void stop_connecting(struct upstream *upstream)
{
    upstream->connecting = false;
    curl_multi_remove_handle(upstream->multi, upstream->handle);
    upstream->tls.ssl = NULL;
}

/* Takes the socket of a connection that stands, and what libcurl need not do on it. */
static CURLcode take_connection(struct upstream *upstream)
{
    bool is_bare = !upstream->target->is_https && upstream->config->egress.url == NULL;
    curl_socket_t fd = CURL_SOCKET_BAD;

    CURLcode code = curl_easy_getinfo(upstream->handle, CURLINFO_ACTIVESOCKET, &fd);
    if (code != CURLE_OK || fd == CURL_SOCKET_BAD)
        return code;
    if (upstream->tls.ssl != NULL && !upstream_tls_attach(&upstream->tls, fd))
        return CURLE_OUT_OF_MEMORY;
    upstream->is_direct = upstream->tls.ssl != NULL || (is_bare && plain_prepare(fd));
    upstream->fd = fd;
    return CURLE_OK;
}

static enum upstream_outcome connect_for(struct upstream *upstream, struct waiter *waiter,
                                         struct fault *fault)
{
    CURLcode code = CURLE_OK;

    if (!upstream->connecting && !begin_connecting(upstream)) {
        upstream_fault_set(upstream, CURLE_OUT_OF_MEMORY, fault);
        return UPSTREAM_UNREACHABLE;
    }
    enum upstream_outcome outcome = drive(upstream, waiter, &code);
    if (outcome == UPSTREAM_INTERRUPTED)
        return outcome;
    if (outcome == UPSTREAM_CONNECTED)
        code = take_connection(upstream);
    if (outcome == UPSTREAM_CONNECTED && upstream->fd < 0)
        outcome = UPSTREAM_UNREACHABLE;
    if (outcome == UPSTREAM_UNREACHABLE)
        upstream_fault_set(upstream, code, fault);
    if (outcome != UPSTREAM_CONNECTED) {
        stop_connecting(upstream);
        return outcome;
    }
    upstream->connecting = false;
    resolve_note_peer(&upstream->resolve, upstream->handle);
    upstream->pending = upstream->waits = false;
    upstream->reset = upstream->reused = upstream->is_bound = false;
    scoreboard_note_time(SCOREBOARD_CONNECT, clock_now_us() - upstream->began_us);
    if (upstream->certificate_expires != 0)
        target_states_note_certificate(upstream->trust->targets, upstream->target_index,
                                       upstream->certificate_expires);
    return UPSTREAM_CONNECTED;
}

enum upstream_outcome upstream_connect(struct upstream *upstream, int client_fd,
                                       struct fault *fault)
{
    struct waiter waiter = {.client_fd = client_fd, .wake_fd = -1};
    bool was_connecting = upstream->connecting;

    enum upstream_outcome outcome = connect_for(upstream, &waiter, fault);
    if (outcome == UPSTREAM_UNREACHABLE && was_connecting)
        outcome = connect_for(upstream, &waiter, fault);
    return outcome;
}

enum upstream_outcome upstream_connect_ahead(struct upstream *upstream, int wake_fd,
                                             struct fault *fault)
{
    struct waiter waiter = {.client_fd = -1, .wake_fd = wake_fd};

    return connect_for(upstream, &waiter, fault);
}

void upstream_drop(struct upstream *upstream)
{
    if (upstream->connecting)
        stop_connecting(upstream);
    if (upstream->fd < 0)
        return;
    upstream->fd = -1;
    /* Taking a CONNECT_ONLY handle out of its multi handle closes its connection at once, by a
     * close_notify that still goes through upstream->tls. */
    curl_multi_remove_handle(upstream->multi, upstream->handle);
    upstream->tls.ssl = NULL;
}

void upstream_abort(struct upstream *upstream)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    if (upstream->fd >= 0) {
        if (upstream->tls.ssl != NULL)
            SSL_set_quiet_shutdown(upstream->tls.ssl, 1); /* a close_notify would call it whole */
        setsockopt(upstream->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }
    upstream_drop(upstream);
}

bool upstream_has_moved(const struct upstream *upstream)
{
    return resolve_has_moved(&upstream->resolve);
}

bool upstream_check_idle(struct upstream *upstream)
{
    struct pollfd socket = {.fd = upstream->fd, .events = POLLIN};
    char octet;
    size_t got;

    if (upstream->fd < 0)
        return false;
    /* What is readable may be TLS's own, such as a session ticket: that leaves nothing to read. */
    bool is_silent = !upstream->pending && poll(&socket, 1, 0) == 0;
    if (!upstream_has_moved(upstream) &&
        (is_silent || upstream_receive(upstream, &octet, 1, &got) == IO_AGAIN))
        return true;
    upstream_drop(upstream);
    return false;
}

/* ---- octets ---- */

/* Without TLS, an end may be what is seen of a reset. */
static enum io_result end_of(struct upstream *upstream)
{
    if (!upstream->reset)
        return IO_END;
    snprintf(upstream->error, sizeof upstream->error, "the connection was reset");
    return IO_FAILED;
}

/* A failure in words. */
static void explain(struct upstream *upstream)
{
    if (upstream->tls.ssl != NULL)
        upstream_tls_explain(&upstream->tls, upstream->error);
    else
        snprintf(upstream->error, sizeof upstream->error, "%s", strerror(errno));
}

static enum io_result receive_directly(struct upstream *upstream, char *at, size_t cap,
                                       size_t *moved)
{
    bool waits = upstream->waits;
    enum io_result result;

    upstream->waits = false;
    if (upstream->tls.ssl != NULL) {
        result = upstream_tls_receive(&upstream->tls, at, cap, waits, moved, &upstream->pending);
    } else {
        result = plain_receive(upstream->fd, at, cap, waits, moved);
        upstream->pending = result == IO_OK && *moved == cap;
        if (result == IO_END)
            return end_of(upstream);
    }
    if (result == IO_FAILED)
        explain(upstream);
    return result;
}

static enum io_result result_of(CURLcode code)
{
    return code == CURLE_OK ? IO_OK : code == CURLE_AGAIN ? IO_AGAIN : IO_FAILED;
}

enum io_result upstream_receive(struct upstream *upstream, char *at, size_t cap, size_t *moved)
{
    *moved = 0;
    upstream->error[0] = '\0';
    if (upstream->is_direct)
        return receive_directly(upstream, at, cap, moved);
    CURLcode code = curl_easy_recv(upstream->handle, at, cap, moved);

    /* TLS may hold what it has read ahead. */
    upstream->pending =
        code == CURLE_OK && *moved > 0 && (*moved == cap || upstream->target->is_https);
    return code == CURLE_OK && *moved == 0 ? end_of(upstream) : result_of(code);
}

enum io_result upstream_send(struct upstream *upstream, struct slice octets, size_t *moved)
{
    enum io_result result;

    *moved = 0;
    upstream->error[0] = '\0';
    if (!upstream->is_direct)
        result = result_of(curl_easy_send(upstream->handle, octets.at, octets.len, moved));
    else if (upstream->tls.ssl != NULL)
        result = upstream_tls_send(&upstream->tls, octets, moved);
    else
        result = plain_send(upstream->fd, octets, moved);
    if (result != IO_FAILED)
        return result;
    /* A reset is told once, to whoever asks first: the reader will see a mere end. Behind an end
     * that has come, a reset is EPIPE. */
    upstream->reset = upstream->reset || errno != EPIPE;
    if (upstream->is_direct)
        explain(upstream);
    return IO_FAILED;
}

enum io_result upstream_end_sending(struct upstream *upstream)
{
    if (upstream->tls.ssl != NULL)
        return upstream_tls_end(&upstream->tls);
    shutdown(upstream->fd, SHUT_WR);
    return IO_OK;
}
