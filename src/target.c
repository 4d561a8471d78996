/* target: where requests go: the target's URL taken apart. */
#include "target.h"

#include <curl/curl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "slice.h"

#define EXAMPLE "for example https://preprod.example.com"

static bool fail(char error[TARGET_ERROR_BYTES], const char *text)
{
    snprintf(error, TARGET_ERROR_BYTES, "%s, " EXAMPLE, text);
    return false;
}

__attribute__((format(printf, 1, 2))) static char *print_new(const char *format, ...)
{
    va_list arguments;
    char *text = NULL;

    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0)
        text = NULL;
    va_end(arguments);
    return text;
}

/* One part of the URL, malloc'd; NULL when the URL has none. */
static char *url_part(CURLU *url, CURLUPart part, unsigned flags)
{
    char *text = NULL;

    if (curl_url_get(url, part, &text, flags) != CURLUE_OK)
        return NULL;
    char *copy = strdup(text);
    curl_free(text);
    return copy;
}

static bool has_part(CURLU *url, CURLUPart part)
{
    char *text = url_part(url, part, 0);

    free(text);
    return text != NULL;
}

static bool is_visible_ascii(const char *text)
{
    for (; *text != '\0'; text++)
        if (*text <= 0x20 || *text >= 0x7F)
            return false;
    return true;
}

/* Exactly two slashes behind the scheme: libcurl repairs one or three. */
static bool has_authority(const char *text)
{
    const char *slashes = strstr(text, "://");

    return slashes != NULL && slashes[3] != '/';
}

/* libcurl gives an IPv6 host with its brackets. */
static void drop_brackets(char *host)
{
    size_t len = strlen(host);

    if (len > 2 && host[0] == '[') {
        memmove(host, host + 1, len - 2);
        host[len - 2] = '\0';
    }
}

static bool parse_unix(const char *text, struct target *target, char error[TARGET_ERROR_BYTES])
{
    const char *path = text + strlen("unix:");

    if (path[0] != '/' || strlen(path) > 107)
        return fail(error, "a Unix socket is unix:/path, of at most 107 bytes");
    target->unix_path = strdup(path);
    target->name = strdup(text);
    target->url = strdup("http://localhost/");
    target->host = strdup("localhost");
    target->port = strdup("80");
    target->authority = strdup("localhost");
    target->base_path = strdup("");
    return true;
}

static bool check_parts(CURLU *url, const char *text, char error[TARGET_ERROR_BYTES])
{
    if (has_part(url, CURLUPART_USER) || has_part(url, CURLUPART_PASSWORD))
        return fail(error, "the target's URL must not hold credentials: set Authorization in "
                           "[request-headers]");
    if (strpbrk(text, "?#") != NULL)
        return fail(error, "the target's URL must end with its path: no ? and no #");
    if (has_part(url, CURLUPART_ZONEID))
        return fail(error, "the target's address must not have a zone");
    return true;
}

static void read_base_path(CURLU *url, struct target *target)
{
    target->base_path = url_part(url, CURLUPART_PATH, 0);
    if (target->base_path == NULL)
        return;
    size_t len = strlen(target->base_path);
    while (len > 0 && target->base_path[len - 1] == '/')
        target->base_path[--len] = '\0';
}

static bool read_parts(CURLU *url, struct target *target, char error[TARGET_ERROR_BYTES])
{
    char *scheme = url_part(url, CURLUPART_SCHEME, 0);
    target->host = url_part(url, CURLUPART_HOST, 0);
    target->port = url_part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT);
    read_base_path(url, target);
    bool complete =
        scheme != NULL && target->host != NULL && target->port != NULL && target->base_path != NULL;
    if (!complete || (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)) {
        free(scheme);
        return fail(error, "give the target as http:// or https:// URL");
    }
    target->is_https = strcmp(scheme, "https") == 0;
    free(scheme);

    const char *default_port = target->is_https ? "443" : "80";
    target->authority = strcmp(target->port, default_port) == 0
                            ? strdup(target->host)
                            : print_new("%s:%s", target->host, target->port);
    target->name = print_new("%s:%s", target->host, target->port);
    target->url =
        print_new("%s://%s:%s/", target->is_https ? "https" : "http", target->host, target->port);
    drop_brackets(target->host);
    return true;
}

static bool parse_url(const char *text, struct target *target, char error[TARGET_ERROR_BYTES])
{
    CURLU *url = curl_url();

    if (url == NULL)
        return fail(error, "out of memory");
    bool parsed = is_visible_ascii(text) && has_authority(text) &&
                  curl_url_set(url, CURLUPART_URL, text, CURLU_PATH_AS_IS) == CURLUE_OK;
    if (!parsed)
        fail(error, "not an http:// or https:// URL in ASCII");
    else
        parsed = check_parts(url, text, error) && read_parts(url, target, error);
    curl_url_cleanup(url);
    return parsed;
}

bool target_parse(const char *text, struct target *target, char error[TARGET_ERROR_BYTES])
{
    *target = (struct target){0};
    bool parsed = strncmp(text, "unix:", 5) == 0 ? parse_unix(text, target, error)
                                                 : parse_url(text, target, error);
    if (parsed && (target->url == NULL || target->name == NULL || target->authority == NULL))
        parsed = fail(error, "out of memory");
    if (!parsed)
        target_free(target);
    return parsed;
}

void target_free(struct target *target)
{
    free(target->url);
    free(target->name);
    free(target->host);
    free(target->port);
    free(target->authority);
    free(target->base_path);
    free(target->unix_path);
    *target = (struct target){0};
}

/* ---- egress ---- */

static bool has_egress_scheme(const char *text)
{
    static const char *const schemes[] = {"http://", "socks5://", "socks5h://"};

    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
        if (strncasecmp(text, schemes[i], strlen(schemes[i])) == 0)
            return true;
    return false;
}

/* Whether user or password, if the URL has it, can be decoded: libcurl will have to. */
static bool is_decodable(CURLU *url, CURLUPart part, CURLUcode none)
{
    char *decoded = NULL;
    CURLUcode code = curl_url_get(url, part, &decoded, CURLU_URLDECODE);

    if (code != CURLUE_OK)
        return code == none;
    explicit_bzero(decoded, strlen(decoded));
    curl_free(decoded);
    return true;
}

static bool is_proxy_address(CURLU *url)
{
    char *path = url_part(url, CURLUPART_PATH, 0);
    bool is_bare = path != NULL && strcmp(path, "/") == 0;

    free(path);
    return is_bare && has_part(url, CURLUPART_PORT) && !has_part(url, CURLUPART_QUERY) &&
           !has_part(url, CURLUPART_FRAGMENT) &&
           is_decodable(url, CURLUPART_USER, CURLUE_NO_USER) &&
           is_decodable(url, CURLUPART_PASSWORD, CURLUE_NO_PASSWORD);
}

static char *show_egress(CURLU *url)
{
    char *scheme = url_part(url, CURLUPART_SCHEME, 0);
    char *host = url_part(url, CURLUPART_HOST, 0);
    char *port = url_part(url, CURLUPART_PORT, 0);
    char *shown = NULL;

    if (scheme != NULL && host != NULL && port != NULL)
        shown = print_new("%s://%s%s:%s", scheme, has_part(url, CURLUPART_USER) ? "***@" : "", host,
                          port);
    free(scheme);
    free(host);
    free(port);
    return shown;
}

bool egress_parse(const char *text, struct egress *egress)
{
    CURLU *url = curl_url();

    *egress = (struct egress){0};
    bool parsed = url != NULL && has_egress_scheme(text) && has_authority(text) &&
                  is_visible_ascii(text) &&
                  curl_url_set(url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
                  is_proxy_address(url);
    if (parsed) {
        egress->url = strdup(text);
        egress->shown = show_egress(url);
        egress->host = url_part(url, CURLUPART_HOST, 0);
        egress->port = url_part(url, CURLUPART_PORT, 0);
        egress->resolves = strncasecmp(text, "socks5://", 9) != 0;
        parsed = egress->url != NULL && egress->shown != NULL && egress->host != NULL &&
                 egress->port != NULL;
    }
    curl_url_cleanup(url);
    if (!parsed)
        egress_free(egress);
    else
        drop_brackets(egress->host);
    return parsed;
}

void egress_free(struct egress *egress)
{
    if (egress->url != NULL)
        explicit_bzero(egress->url, strlen(egress->url));
    free(egress->url);
    free(egress->shown);
    free(egress->host);
    free(egress->port);
    *egress = (struct egress){0};
}
