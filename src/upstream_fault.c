/* upstream_fault: what a connection to the target that failed means to the client. */
#include "upstream_fault.h"

#include <errno.h>
#include <string.h>

/* A cause, as libcurl or the system numbers it, and what to say. The statuses are those that
 * RFC 9209 2.3 recommends, except where the bridge itself is short of memory: that passes. */
struct cause {
    long number;
    unsigned status;
    const char *type;
};

static const struct cause unknown = {0, 503, "destination_unavailable"};

static const struct cause by_code[] = {
    {CURLE_COULDNT_RESOLVE_HOST, 502, "dns_error"},
    {CURLE_COULDNT_RESOLVE_PROXY, 502, "dns_error"},
    {CURLE_PEER_FAILED_VERIFICATION, 502, "tls_certificate_error"},
    {CURLE_SSL_PINNEDPUBKEYNOTMATCH, 502, "tls_certificate_error"},
    {CURLE_SSL_ISSUER_ERROR, 502, "tls_certificate_error"},
    {CURLE_SSL_INVALIDCERTSTATUS, 502, "tls_certificate_error"},
    {CURLE_SSL_CONNECT_ERROR, 502, "tls_protocol_error"},
    {CURLE_SSL_CERTPROBLEM, 500, "proxy_configuration_error"},
    {CURLE_SSL_CACERT_BADFILE, 500, "proxy_configuration_error"},
    {CURLE_SSL_CIPHER, 500, "proxy_configuration_error"},
    {CURLE_SSL_ENGINE_NOTFOUND, 500, "proxy_configuration_error"},
    {CURLE_RECV_ERROR, 502, "connection_terminated"},
    {CURLE_SEND_ERROR, 502, "connection_terminated"},
    {CURLE_GOT_NOTHING, 502, "connection_terminated"},
    {CURLE_OUT_OF_MEMORY, 503, "proxy_internal_error"},
};

static const struct cause by_errno[] = {
    {ECONNREFUSED, 502, "connection_refused"},
    {ENOENT, 502, "connection_refused"}, /* nobody has made the Unix socket */
    {ECONNRESET, 502, "connection_terminated"},
    {EHOSTUNREACH, 502, "destination_ip_unroutable"},
    {ENETUNREACH, 502, "destination_ip_unroutable"},
    {EACCES, 502, "destination_ip_prohibited"},
    {EPERM, 502, "destination_ip_prohibited"}, /* a firewall of this machine */
    {ETIMEDOUT, 504, "connection_timeout"},
};

/* What a SOCKS proxy says. */
static const struct cause by_reply[] = {
    {CURLPX_RESOLVE_HOST, 502, "dns_error"},
    {CURLPX_CLOSED, 502, "connection_terminated"},
    {CURLPX_REPLY_CONNECTION_REFUSED, 502, "connection_refused"},
    {CURLPX_REPLY_HOST_UNREACHABLE, 502, "destination_ip_unroutable"},
    {CURLPX_REPLY_NETWORK_UNREACHABLE, 502, "destination_ip_unroutable"},
    {CURLPX_REPLY_NOT_ALLOWED, 502, "destination_ip_prohibited"},
    {CURLPX_REPLY_TTL_EXPIRED, 504, "connection_timeout"},
    {CURLPX_NO_AUTH, 500, "proxy_configuration_error"},
    {CURLPX_USER_REJECTED, 500, "proxy_configuration_error"},
};

static const struct cause *find(const struct cause *causes, size_t count, long number)
{
    for (size_t i = 0; i < count; i++)
        if (causes[i].number == number)
            return &causes[i];
    return &unknown;
}

#define FIND(causes, number) find(causes, sizeof(causes) / sizeof(causes)[0], number)

static long error_number(const struct upstream *upstream)
{
    long number = 0;

    curl_easy_getinfo(upstream->handle, CURLINFO_OS_ERRNO, &number);
    return number;
}

static const struct cause *find_reply(const struct upstream *upstream)
{
    long reply = CURLPX_OK;

    curl_easy_getinfo(upstream->handle, CURLINFO_PROXY_ERROR, &reply);
    return FIND(by_reply, reply);
}

/* A time-out is the resolver's until there is an address. */
static const struct cause *find_timeout(const struct upstream *upstream)
{
    static const struct cause resolving = {0, 504, "dns_timeout"};
    static const struct cause connecting = {0, 504, "connection_timeout"};
    curl_off_t lookup_us = 0;

    curl_easy_getinfo(upstream->handle, CURLINFO_NAMELOOKUP_TIME_T, &lookup_us);
    return lookup_us > 0 || upstream->target->unix_path != NULL ? &connecting : &resolving;
}

static const struct cause *find_cause(const struct upstream *upstream, CURLcode code)
{
    static const struct cause alert = {0, 502, "tls_alert_received"};

    switch (code) {
    case CURLE_COULDNT_CONNECT:
        return FIND(by_errno, error_number(upstream));
    case CURLE_OPERATION_TIMEDOUT:
        return find_timeout(upstream);
    case CURLE_PROXY:
        return find_reply(upstream);
    case CURLE_SSL_CONNECT_ERROR:
        return strstr(upstream->error, "alert") != NULL ? &alert : FIND(by_code, code);
    default:
        return FIND(by_code, code);
    }
}

void upstream_fault_set(const struct upstream *upstream, CURLcode code, struct fault *fault)
{
    const struct cause *cause = find_cause(upstream, code);
    const char *text = upstream->error[0] != '\0' ? upstream->error : curl_easy_strerror(code);

    /* libcurl names host and port of a URL that a Unix socket's target has only for form. */
    if (code == CURLE_COULDNT_CONNECT && upstream->target->unix_path != NULL)
        text = strerror((int)error_number(upstream));
    fault_set(fault, cause->status, cause->type, "target %s: %s", upstream->target->name, text);
}

const char *upstream_fault_advice(const char *type)
{
    static const struct {
        const char *type, *advice;
    } table[] = {
        {"dns_error", "check the name, and the resolver in /etc/resolv.conf"},
        {"dns_timeout", "the resolver did not answer within connect: check /etc/resolv.conf"},
        {"connection_refused",
         "nothing listens there: check the address, and whether the service runs"},
        {"connection_timeout", "not connected within connect: look for a firewall that drops "
                               "packets, and for https:// with a port that serves http"},
        {"connection_terminated", "look into the target's log"},
        {"destination_ip_unroutable", "there is no route: check routes, VPN and firewall"},
        {"destination_ip_prohibited",
         "check this machine's firewall, or the permissions of the Unix socket"},
        {"destination_unavailable", "check the address"},
        {"tls_certificate_error", "authbridge --check --live shows its certificates; ca_file, "
                                  "server_name and pinned_key say what is trusted"},
        {"tls_alert_received", "if the target wants a client certificate set client_cert, else "
                               "look into its log"},
        {"tls_protocol_error",
         "check that the port serves TLS 1.2 or later, and not plain http://"},
        {"proxy_configuration_error", "check client_cert, client_key and egress"},
        {"http_response_timeout", "look into the target's log, or raise response"},
        {"http_response_incomplete", "look into the target's log"},
        {"http_protocol_error", "check that the port serves HTTP/1.1"},
    };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (strcmp(type, table[i].type) == 0)
            return table[i].advice;
    return "";
}
