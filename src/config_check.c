/* config_check: what settings mean together. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "config_loader.h"
#include "http_request.h"
#include "privileges.h"

#define PIN_PREFIX       "sha256//"
#define PIN_BASE64_BYTES 44u
#define BASE64_DIGITS    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

/* The line in which the file has a setting, CONFIG_COMMAND_LINE for an option, 0 when it is not
 * set. */
static unsigned line_of(const struct config_loader *loader, const char *section, const char *name)
{
    for (size_t i = 0; i < config_setting_count; i++)
        if (strcmp(config_settings[i].section, section) == 0 &&
            strcmp(config_settings[i].name, name) == 0)
            return loader->lines[i];
    return 0;
}

static void check_listen(struct config_loader *loader)
{
    struct config *config = loader->config;
    bool has_allow = line_of(loader, "access", "allow") != 0;
    bool is_set = line_of(loader, "proxy", "listen") != 0;
    char text[ADDRESS_TEXT_BYTES];

    for (size_t i = 0; !is_set && i < loader->source->inherited_count; i++) {
        address_format(&loader->source->inherited[i], text);
        config_add_listen(loader, text);
    }
    if (config->listen_count == 0 && !loader->failed)
        config_add_listen(loader, "127.0.0.1:8080");
    for (size_t i = 0; i < config->listen_count && !has_allow; i++) {
        if (address_is_loopback(&config->listen[i].address))
            continue;
        address_format(&config->listen[i].address, text);
        config_fault(
            loader,
            "listen = %s: whoever reaches this address would use the bridge's credentials: set "
            "allow in [access], for example allow = 10.0.0.0/8",
            text);
    }
}

static void check_status_listen(struct config_loader *loader)
{
    const struct address *address = &loader->config->status_listen;
    char text[ADDRESS_TEXT_BYTES];

    if (address->len == 0 || address_is_loopback(address) ||
        line_of(loader, "access", "allow") != 0)
        return;
    address_format(address, text);
    config_fault(loader,
                 "listen = %s: whoever reaches this address would see what the bridge does: set "
                 "allow in [access], for example allow = 10.0.0.0/8",
                 text);
}

static void check_trusted(struct config_loader *loader)
{
    const struct config *config = loader->config;
    bool has_trusted = line_of(loader, "access", "trusted") != 0;
    char text[ADDRESS_TEXT_BYTES];

    for (size_t i = 0; i < config->listen_count && !has_trusted; i++) {
        if (!config->listen[i].proxy_protocol || address_is_unix(&config->listen[i].address))
            continue;
        address_format(&config->listen[i].address, text);
        config_fault(loader,
                     "listen = %s " CONFIG_PROXY_PROTOCOL ": nobody's header would be believed: "
                     "set trusted in [access] to the load balancers' addresses, for example "
                     "trusted = 10.0.0.7",
                     text);
    }
}

static void check_target(struct config_loader *loader)
{
    struct config *config = loader->config;

    if (config->target.url == NULL && config->section_count == 0 && !loader->failed)
        config_fault(loader, loader->path != NULL
                                 ? "target is missing: set it in [proxy], for example target = "
                                   "https://preprod.example.com"
                                 : "the target is missing: give --target URL or -c FILE");
    if (config->host == NULL && config->target.authority != NULL) {
        config->host = strdup(config->target.authority);
        if (config->host == NULL)
            config_fault(loader, "out of memory");
    }
}

/* The name of one server is none of another's. */
static void check_host(struct config_loader *loader)
{
    const struct config *config = loader->config;

    if (config->host != NULL && config->target.url == NULL && config->section_count > 0)
        config_fault(loader,
                     "host = %s goes with target in [proxy], which is not set: in a route "
                     "it is send_host",
                     config->host);
}

static void check_user(struct config_loader *loader)
{
    const char *user = loader->config->user;
    char error[PRIVILEGES_ERROR_BYTES];

    if (user != NULL && !privileges_may_become(user, error))
        config_fault(loader, "user = %s: %s", user, error);
}

/* The keeper would ask name servers without pause. */
static void check_dns_ttl(struct config_loader *loader)
{
    long long ttl = loader->config->dns_ttl;

    if (ttl != 0 && ttl < 1000)
        config_fault(loader, "dns_ttl: give 1s at least, or off");
}

static void check_readable(struct config_loader *loader, const char *name, const char *path)
{
    if (path != NULL && access(path, R_OK) != 0)
        config_fault(loader, "%s = %s: cannot read: %s%s", name, path, strerror(errno),
                     privileges_advice(errno));
}

static void check_ca_file(struct config_loader *loader)
{
    check_readable(loader, "ca_file", loader->config->tls.ca_file);
}

static void check_client_cert(struct config_loader *loader)
{
    check_readable(loader, "client_cert", loader->config->tls.client_cert);
}

static void check_client_key(struct config_loader *loader)
{
    check_readable(loader, "client_key", loader->config->tls.client_key);
    if (loader->config->tls.client_key != NULL && loader->config->tls.client_cert == NULL)
        config_fault(loader, "client_key needs client_cert beside it");
}

/* sha256//BASE64 of 32 octets, perhaps several with ; between. */
static bool is_pin_list(const char *text)
{
    const size_t prefix = strlen(PIN_PREFIX);

    for (;;) {
        size_t len = strcspn(text, ";");
        if (len != prefix + PIN_BASE64_BYTES || strncmp(text, PIN_PREFIX, prefix) != 0 ||
            strspn(text + prefix, BASE64_DIGITS) != PIN_BASE64_BYTES - 1 || text[len - 1] != '=')
            return false;
        if (text[len] == '\0')
            return true;
        text += len + 1;
    }
}

static void check_pinned_key(struct config_loader *loader)
{
    const char *key = loader->config->tls.pinned_key;

    if (key == NULL || is_pin_list(key))
        return;
    if (key[0] == '/')
        check_readable(loader, "pinned_key", key);
    else
        config_fault(
            loader,
            "pinned_key = %s: give sha256// and 44 characters of base64, or the path of a public "
            "key's file",
            key);
}

static void check_server_name(struct config_loader *loader)
{
    const char *name = loader->config->tls.server_name;

    if (name != NULL &&
        (strlen(name) > 253 || strchr(name, ':') != NULL || !http_is_authority(slice_of(name))))
        config_fault(
            loader, "server_name = %.80s: give a host name, for example preprod.example.com", name);
}

static void check_listen_cert(struct config_loader *loader)
{
    check_readable(loader, "cert", loader->config->listen_tls.cert);
}

static void check_listen_key(struct config_loader *loader)
{
    check_readable(loader, "key", loader->config->listen_tls.key);
    if (loader->config->listen_tls.key != NULL && loader->config->listen_tls.cert == NULL)
        config_fault(loader, "key needs cert beside it");
}

static void check_client_ca(struct config_loader *loader)
{
    check_readable(loader, "client_ca", loader->config->listen_tls.client_ca);
}

static void check_client_auth(struct config_loader *loader)
{
    if (line_of(loader, "listen-tls", "client_auth") != 0 &&
        loader->config->listen_tls.client_ca == NULL)
        config_fault(loader, "client_auth needs client_ca beside it: whose clients are they?");
}

/* An address with TLS is of no use without a certificate. */
static void check_listen_tls(struct config_loader *loader)
{
    const struct config *config = loader->config;
    char text[ADDRESS_TEXT_BYTES];

    for (size_t i = 0; i < config->listen_count && config->listen_tls.cert == NULL; i++) {
        if (!config->listen[i].tls)
            continue;
        address_format(&config->listen[i].address, text);
        config_fault(loader,
                     "listen = " CONFIG_HTTPS "%s: TLS takes a certificate: set cert and key in "
                     "[listen-tls], for example cert = /etc/authbridge/fullchain.pem and key = "
                     "/etc/authbridge/privkey.pem",
                     text);
    }
}

static void check_request_target(struct config_loader *loader)
{
    struct config *config = loader->config;

    if (config->limits.request_target <= config->limits.request_head)
        return;
    if (line_of(loader, "limits", "request_target") > 0)
        config_fault(loader,
                     "request_target is larger than request_head, of which it is a part: give "
                     "less, or more for request_head");
    else
        config->limits.request_target = config->limits.request_head;
}

static void check_users(struct config_loader *loader)
{
    struct config *config = loader->config;
    char error[USERS_ERROR_BYTES];

    if (config->users_file == NULL)
        return;
    config->users = users_open(config->users_file, error);
    if (config->users == NULL)
        config_fault(loader, "users: %s", error);
}

void config_check(struct config_loader *loader)
{
    static const struct {
        const char *section, *name; /* of the setting that a fault is pointed to */
        void (*check)(struct config_loader *);
    } checks[] = {
        {"proxy", "listen", check_listen},
        {"proxy", "listen", check_trusted},
        {"proxy", "target", check_target},
        {"proxy", "host", check_host},
        {"proxy", "user", check_user},
        {"proxy", "dns_ttl", check_dns_ttl},
        {"tls", "ca_file", check_ca_file},
        {"tls", "client_cert", check_client_cert},
        {"tls", "client_key", check_client_key},
        {"tls", "pinned_key", check_pinned_key},
        {"tls", "server_name", check_server_name},
        {"proxy", "listen", check_listen_tls},
        {"listen-tls", "cert", check_listen_cert},
        {"listen-tls", "key", check_listen_key},
        {"listen-tls", "client_ca", check_client_ca},
        {"listen-tls", "client_auth", check_client_auth},
        {"limits", "request_target", check_request_target},
        {"access", "users", check_users},
        {"status", "listen", check_status_listen},
    };
    char place[CONFIG_PLACE_BYTES];

    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        unsigned line = line_of(loader, checks[i].section, checks[i].name);
        loader->place = loader->path != NULL ? loader->path : "authbridge";
        if (line == CONFIG_COMMAND_LINE)
            snprintf(place, sizeof place, "--%s", checks[i].name);
        else if (line != 0)
            snprintf(place, sizeof place, "%s:%u", loader->path, line);
        if (line != 0)
            loader->place = place;
        checks[i].check(loader);
    }
}
