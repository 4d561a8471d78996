/* admission: the checks that stand between a request that is understood and the target. */
#include "admission.h"

#include <sys/socket.h>

#include "clock.h"
#include "cors.h"
#include "host_guard.h"
#include "log.h"
#include "method_guard.h"
#include "route.h"
#include "scoreboard.h"
#include "sign_in.h"

#define HOST_SHOWN_BYTES 120 /* of one that is refused */

static bool deny(struct fault *fault, unsigned status, const char *type, const char *detail)
{
    fault_set(fault, status, type, "%s", detail);
    return false;
}

static bool check_client(const struct admission *admission, struct fault *fault)
{
    return admission->client_allowed || deny(fault, 403, "http_request_denied",
                                             "this address is not in the bridge's allow list");
}

/* Asked for once per connection, and only where it matters. */
static const struct address *local_address(const struct admission *admission)
{
    struct address *local = admission->local;

    if (local->len > 0)
        return local;
    local->len = sizeof local->storage;
    if (getsockname(admission->fd, (struct sockaddr *)&local->storage, &local->len) != 0)
        *local = (struct address){.len = sizeof local->storage}; /* no address at all */
    return local;
}

/* A Unix socket is reached by no name. */
static bool is_for_us(const struct admission *admission)
{
    const struct config *config = admission->config;
    const struct http_request *request = admission->request;

    if (!host_guard_applies(config, request) || host_guard_admits(config, request->authority, NULL))
        return true;
    const struct address *local = local_address(admission);
    if (config->hosts.count == 0 && address_is_unix(local))
        return true;
    return host_guard_admits(config, request->authority, local);
}

static bool check_host(const struct admission *admission, struct fault *fault)
{
    struct slice host = admission->request->authority;

    if (is_for_us(admission))
        return true;
    if (host.len == 0)
        return deny(fault, 421, "http_request_denied",
                    "the request does not say, by Host, whom it is for");
    fault_set(fault, 421, "http_request_denied",
              "%.*s is not a name of this bridge; if it should be, add it to hosts in [access]",
              host.len < HOST_SHOWN_BYTES ? (int)host.len : HOST_SHOWN_BYTES, host.at);
    return false;
}

/* A browser that asks ahead of a request has its answer here; it sends no credentials yet. */
static bool check_preflight(const struct admission *admission, struct fault *fault)
{
    return cors_allows(&admission->config->cors, admission->request) ||
           deny(fault, 403, "http_request_denied",
                "this origin is not in the bridge's list; if it should be, add it to origins in "
                "[cors]");
}

static bool check_site(const struct admission *admission, struct fault *fault)
{
    const struct http_request *request = admission->request;

    if (admission->config->cross_site == CROSS_SITE_ALLOW)
        return true;
    switch (browser_judge(&request->browser, request->authority)) {
    case BROWSER_CROSS_SITE:
        return cors_allows(&admission->config->cors, request) ||
               deny(fault, 403, "http_request_denied",
                    "a page of another site made the browser send this; if it should, add its "
                    "origin to origins in [cors], or set cross_site = allow in [access]");
    case BROWSER_NONSENSE:
        return deny(fault, 403, "http_request_denied",
                    "Origin and Sec-Fetch-Site are not as a browser sends them; if that is right, "
                    "set cross_site = allow in [access]");
    case BROWSER_OWN_SITE:
        break;
    }
    return true;
}

/* What stands in place of an unknown name may be a password: it is not told. */
static void log_failure(const struct admission *admission, struct slice name)
{
    struct users *users = admission->config->users;

    if (!users_may_log(users, clock_now_ms()))
        return;
    if (name.len > 0)
        log_warning("client %s gave a wrong password for user %.*s", admission->client,
                    (int)name.len, name.at);
    else
        log_warning("client %s gave a user name that is not in %s", admission->client,
                    users_path(users));
}

static bool check_user(struct admission *admission, struct fault *fault)
{
    struct users *users = admission->config->users;
    struct slice name;

    if (users == NULL || admission->is_supposed)
        return true;
    if (users_refresh(users, clock_now_ms()) != NULL) {
        deny(fault, 503, "proxy_configuration_error",
             "the bridge cannot read who may use it; its log says why");
        fault->is_logged = true;
        return false;
    }
    switch (sign_in_check(users, admission->request, &name)) {
    case SIGNED_IN:
        admission->user = name;
        return true;
    case SIGN_IN_MISSING:
        return deny(fault, 401, "http_request_denied",
                    "this bridge asks for a user name and a password (Basic)");
    case SIGN_IN_WRONG:
        break;
    }
    scoreboard_note_failed_sign_in();
    log_failure(admission, name);
    return deny(fault, 401, "http_request_denied", "user name or password is wrong");
}

/* The server as a whole may be the bridge itself: "*" without a route for it. */
static bool is_for_all(const struct http_request *request)
{
    return slice_equals(request->target, slice_of("*"));
}

static bool choose_route(struct admission *admission, struct fault *fault)
{
    switch (route_choose(admission->config, admission->request, &admission->route)) {
    case ROUTE_FOUND:
        return true;
    case ROUTE_NONE:
        return is_for_all(admission->request) ||
               deny(fault, 404, "destination_not_found", "no route is for this path and host");
    case ROUTE_DOTTED:
        return deny(fault, 400, "http_request_error",
                    "a path with the segments . or .. is not served where routes go by path");
    case ROUTE_UNCLEAR:
        break;
    }
    return deny(fault, 400, "http_request_error",
                "the path, as a target may read it, is one of another route");
}

/* What is answered here reaches nobody. */
static bool check_method(const struct admission *admission, struct fault *fault)
{
    const struct config_route *route = admission->route;
    enum method_verdict verdict = METHOD_SERVED;

    if (route != NULL && !http_request_ends_here(admission->request))
        verdict = method_guard_judge(route, admission->request);
    if (verdict == METHOD_SERVED)
        return true;
    deny(fault, 405, "http_request_denied",
         verdict == METHOD_REFUSED
             ? "this method is not among those that the bridge lets through"
             : "the request names a method, for the target to take in place of its own, that the "
               "bridge does not let through");
    fault->allow = route->methods;
    return false;
}

static bool check_length(const struct admission *admission, struct fault *fault)
{
    const struct http_request *request = admission->request;

    if (request->framing != HTTP_FRAMING_LENGTH ||
        request->length <= (unsigned long long)admission->config->limits.request_body)
        return true;
    return deny(fault, 413, "http_request_error", "the content is longer than request_body allows");
}

static bool check_transport(const struct admission *admission, struct fault *fault)
{
    return admission->has_transport ||
           deny(fault, 503, "proxy_internal_error", "the bridge is out of memory");
}

/* Without a secret nothing may go to the target. Which one it is, is for the log alone, where it
 * stands already. */
static bool check_secrets(const struct admission *admission, struct fault *fault)
{
    if (admission->route == NULL || config_refresh_route(admission->route, clock_now_ms()) == NULL)
        return true;
    deny(fault, 502, "proxy_configuration_error",
         "a credential of the bridge cannot be read; its log says which");
    fault->is_logged = true;
    return false;
}

bool admission_judge(struct admission *admission, struct fault *fault)
{
    if (!check_client(admission, fault) || !check_host(admission, fault))
        return false;
    admission->is_preflight =
        cors_is_on(&admission->config->cors) && cors_is_preflight(admission->request);
    if (admission->is_preflight)
        return check_preflight(admission, fault);
    return check_site(admission, fault) && check_user(admission, fault) &&
           choose_route(admission, fault) && check_method(admission, fault) &&
           check_length(admission, fault);
}

bool admission_check(struct admission *admission, struct fault *fault)
{
    if (!admission_judge(admission, fault))
        return false;
    return admission->is_preflight ||
           (check_transport(admission, fault) && check_secrets(admission, fault));
}
