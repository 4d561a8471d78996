/* admission: the checks that stand between a request that is understood and the target. */
#include "admission.h"

#include "clock.h"

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

static bool choose_route(struct admission *admission)
{
    admission->route = admission->config->routes;
    return true;
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
    if (config_refresh(admission->config, clock_now_ms()) == NULL)
        return true;
    deny(fault, 502, "proxy_configuration_error",
         "a credential of the bridge cannot be read; its log says which");
    fault->is_logged = true;
    return false;
}

bool admission_judge(struct admission *admission, struct fault *fault)
{
    return check_client(admission, fault) && choose_route(admission) &&
           check_length(admission, fault);
}

bool admission_check(struct admission *admission, struct fault *fault)
{
    return admission_judge(admission, fault) && check_transport(admission, fault) &&
           check_secrets(admission, fault);
}
