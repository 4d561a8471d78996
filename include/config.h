/* config: proxy.ini and the command line's overrides, read into one struct that does not change
 * afterwards, but for the texts of secrets that have files (config_refresh). Every fault is
 * reported with its file and line, and with what would be right. */
#ifndef AUTHBRIDGE_CONFIG_H
#define AUTHBRIDGE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "address.h"
#include "http_head.h"
#include "name.h"
#include "target.h"
#include "users.h"
#include "value.h"

#define CONFIG_UNLIMITED   0x7FFFFFFFFFFFFFFFull /* of request_body */
#define CONFIG_LISTEN_MAX  64u
#define CONFIG_PLACE_BYTES 512u /* "file:line" */

/* A field that is set on, or removed from, every request or response. */
struct config_field {
    char *name;
    struct value value;
    bool removes; /* an empty value: the field is only taken out */
    char *origin; /* "proxy.ini:12" or "--header" */
};

struct config_fields {
    struct config_field *items;
    size_t count;
};

/* An address to listen on. */
struct config_listen {
    struct address address;
    bool proxy_protocol; /* a load balancer sends a PROXY header first */
    bool tls;            /* clients speak TLS, after such a header */
};

struct config_ranges {
    struct address_range *items;
    size_t count; /* 0: not set */
};

struct config_texts {
    char **items;
    size_t count; /* 0: not set */
};

/* What becomes of a response in which a secret of the bridge comes back. */
enum config_guard { GUARD_OFF, GUARD_MASK, GUARD_BLOCK };

struct guard;

/* Whose pages may call the bridge (cors.h). */
struct config_cors {
    struct config_texts origins; /* as browsers write them, or "*"; count 0: [cors] is not set */
    struct config_texts methods, headers; /* none, or "*": those that are asked for */
    struct config_texts expose;
    bool credentials;
    long long max_age;
};

#define CONFIG_ROUTES_MAX     256u
#define CONFIG_ROUTE_NAME_MAX 24u /* with its header sections it is a section's name for inih */
#define CONFIG_MATCH_PATH_MAX 255u
#define CONFIG_METHODS_MAX    255u /* octets of a list */

/* What [route:NAME] and its header sections say. */
struct config_route_section {
    char *name;
    unsigned line;       /* where [route:NAME] stands; 0: there are only header sections */
    unsigned first_line; /* where the first of its sections stands */
    char *path, *host, *send_host, *methods; /* NULL: not set; methods: or all */
    struct target target;
    bool strip_path;
    enum config_guard reflect_guard;
    unsigned *lines; /* where each setting of its table stands; 0: it is not set */
    struct config_fields request_fields, response_fields;
};

/* Which requests go where, and what is done to them on the way. */
struct config_route {
    const struct config *config; /* that it is a part of, for all that is the same for all routes */
    const char *name;            /* "": what [proxy] says; it comes last */
    const struct config_route_section *section; /* NULL: it is [proxy] */
    const char *match_path;                     /* of the requests it is for; NULL: any */
    const char *match_host;
    const struct target *target;
    size_t target_index; /* the same for routes that may share a connection: below target_count */
    const char *host;    /* the Host field's value */
    bool strip_path;     /* match_path is taken off what goes to the target */
    const char *methods; /* as a list, in Allow's form; NULL: all that the bridge serves */

    /* The general ones, with the route's own added or in their place. */
    struct config_fields request_fields;
    struct config_fields response_fields;

    enum config_guard reflect_guard;
    struct guard *guard; /* what must not come back in responses; NULL: anything may */
};

#define CONFIG_TOKEN_NAME_MAX 40u
#define CONFIG_TOKEN_DIGEST   32u
#define CONFIG_TOKENS_MAX     64u
#define CONFIG_NOT_SET        (-1) /* a duration that follows from others */

enum config_token_type { TOKEN_OAUTH2, TOKEN_COMMAND, TOKEN_FILE, TOKEN_TYPES };
enum config_token_auth { TOKEN_AUTH_BASIC, TOKEN_AUTH_POST };

/* A [token:NAME] section: where an access token comes from. */
struct config_token {
    char *name;
    char *origin; /* "proxy.ini:12": its first line */
    enum config_token_type type;

    char *token_url; /* oauth2 */
    struct value client_id, client_secret;
    enum config_token_auth client_auth;
    char *scope, *audience; /* NULL: not set */
    char *ca_file;
    bool allow_http;

    char *command;
    char **argv; /* its words */
    char *file;

    long long timeout;        /* of one try to get it */
    long long wait;           /* of a request, where there is none yet; 0: it does not */
    long long lifetime;       /* where nothing tells it; CONFIG_NOT_SET */
    long long refresh_margin; /* before its end; CONFIG_NOT_SET */

    unsigned char digest[CONFIG_TOKEN_DIGEST]; /* of its settings as they stand in the file */
    unsigned *lines;                           /* where each of them does, 0: nowhere */
    struct token *token;                       /* itself, shared by all processes */
};

struct config_tokens {
    struct config_token *items;
    size_t count;
};

struct config_name {
    struct name *name; /* shared by all processes */
};

struct config_names {
    struct config_name *items; /* host names that the keeper looks up, each once */
    size_t count;
};

/* In which form the target is told who the client is. */
enum config_forwarded { FORWARDED_OFF, FORWARDED_X, FORWARDED_RFC7239 };
enum config_cross_site { CROSS_SITE_REFUSE, CROSS_SITE_ALLOW };
enum config_format { FORMAT_TEXT, FORMAT_JSON, FORMAT_COMBINED };
enum config_client_auth { CLIENT_AUTH_REQUIRE, CLIENT_AUTH_REQUEST };
enum config_tls_version { TLS_FROM_1_2, TLS_FROM_1_3 };
enum config_level { LEVEL_ERROR, LEVEL_WARNING, LEVEL_INFO, LEVEL_DEBUG };

/* Times are in milliseconds, sizes in bytes. */
struct config {
    struct config_listen *listen;
    size_t listen_count;
    struct target target; /* of [proxy]; url NULL: not set */
    char *host;           /* of [proxy] */
    char *methods;        /* of routes that do not say otherwise; NULL: all */
    char *user; /* whom the master becomes once it has all that it needs; NULL: it stays */
    enum config_forwarded forwarded;
    bool via;
    enum config_guard reflect_guard;
    struct egress egress;
    struct value egress_value; /* what its URL is made of, where that may change; else empty */
    long long dns_ttl;         /* between two lookups of a name; 0: each connection looks it up */
    long long standby;         /* children forked ahead */
    bool preconnect;           /* they connect to the target */
    long long recycle;         /* connections that a child serves, one after another */

    struct config_fields request_fields; /* of all routes */
    struct config_fields response_fields;

    struct config_tokens tokens;
    struct config_names names;

    struct config_route_section *sections; /* as the file has them */
    size_t section_count;
    struct config_route *routes; /* in the order in which they are tried; at least one */
    size_t route_count;
    bool routes_by_path; /* some of them have a path */
    size_t target_count; /* distinct ones */

    struct {
        long long connect, request_head, client_idle, client_write, response, tunnel_idle, drain;
    } timeouts;
    struct {
        long long connections, connections_per_client, request_head, request_fields, request_target,
            request_body, replay_body;
    } limits;
    struct {
        bool location, cookies, origin;
    } rewrite;
    struct {
        bool verify;
        char *ca_file, *client_cert, *client_key, *server_name, *pinned_key; /* NULL: not set */
    } tls;

    struct {
        char *cert, *key, *client_ca; /* NULL: not set; a key may stand in the certificate's file */
        enum config_client_auth client_auth;
        enum config_tls_version min_version;
    } listen_tls;

    struct config_ranges allow;   /* not set: loopback addresses and Unix sockets */
    struct config_ranges trusted; /* load balancers and proxies whose word counts */
    struct config_texts hosts;    /* patterns (authority.h): what Host may say */
    enum config_cross_site cross_site;
    char *users_file;    /* NULL: not set */
    struct users *users; /* what is in it, which may change */
    struct config_cors cors;

    enum config_level log_level;
    bool log_access;
    enum config_format log_format;
    bool log_query;

    struct address status_listen; /* len 0: not set, and there is no status page */

    const char *path; /* the source's file; NULL: none */
    unsigned *lines;  /* where each setting of the table stands, for config_place_of */
};

/* Where a configuration comes from. Of the file and the target one must be given. */
struct config_source {
    const char *file;   /* NULL: none */
    const char *listen; /* each replaces what the file says; NULL: not given */
    const char *target;
    const char *const *headers; /* "Name: value" */
    size_t header_count;
    const struct address *inherited; /* sockets that wait to be taken: listen when not set */
    size_t inherited_count;
};

/* Reads it all. NULL when anything is wrong: report then holds a line for each fault. The caller
 * frees the result. */
struct config *config_load(const struct config_source *source, FILE *report);
void config_free(struct config *config);

#define CONFIG_FAULT_BYTES 512u

/* The same, with the faults logged as errors, and the first of them in fault. */
struct config *config_read(const struct config_source *source, char fault[CONFIG_FAULT_BYTES]);

/* Reads secrets again whose files have changed, in this process alone; looks at most once a second
 * (secret_refresh). NULL, or why there is one that cannot be used: nothing may be sent to the
 * target then. It is valid until the next call. */
const char *config_refresh(const struct config *config, long long now);

/* The outgoing proxy's URL with its secrets as they are now, "" for none: to be cleared and freed.
 * NULL when memory is short. */
char *config_make_egress_url(const struct config *config);

/* Whether its type of token has the setting. */
bool config_token_has(const struct config_token *token, const char *setting);

/* Before the old configuration is freed: tokens with the same settings as before are taken over as
 * they are, and those that are gone are told to their users. */
void config_adopt_tokens(struct config *config, struct config *old);

/* The same for addresses of host names. */
void config_adopt_names(struct config *config, struct config *old);

/* The name of that host among those that the keeper looks up; NULL: it does not. */
struct name *config_find_name(const struct config *config, const char *host);

/* After a change of user: warns of files that this process cannot read again. */
void config_warn_of_unreadable(const struct config *config, const char *file);

/* Gives the routes their fields anew: after the values of those of the configuration have been put
 * in other memory. false when memory is short. */
bool config_routes_merge(struct config *config);

/* Prints what the configuration means, setting by setting, secrets as ***. */
void config_describe(const struct config *config, FILE *out);

/* Says where a setting outside the header sections stands, "proxy.ini:12" or "--target"; "" when
 * it is not set. */
void config_place_of(const struct config *config, const char *section, const char *name,
                     char place[CONFIG_PLACE_BYTES]);

/* Whether clients speak TLS with one of the listeners. */
bool config_has_tls_listener(const struct config *config);

/* Whether a client at that address may use the bridge. */
bool config_allows(const struct config *config, const struct address *client);

/* Whether what that peer says about others is true: its address is in trusted. */
bool config_trusts(const struct config *config, const struct address *peer);

/* Whether a PROXY header of that peer is believed: it is trusted, or came by a Unix socket, of
 * which the file's mode decides. */
bool config_believes(const struct config *config, const struct address *peer);

/* The request head's limits in the parser's form. */
struct http_limits config_request_limits(const struct config *config);

/* The route whose target is that one: the first of them. */
const struct config_route *config_route_to(const struct config *config, size_t target_index);

/* What a route gives a request of its own, brought up to date: as config_refresh for its fields
 * alone. */
const char *config_refresh_route(const struct config_route *route, long long now);

/* Where a setting stands that a route has from its section, or else from [proxy]: as
 * config_place_of. */
void config_place_of_route(const struct config_route *route, const char *name,
                           char place[CONFIG_PLACE_BYTES]);

#define CONFIG_TARGETS_BYTES 512u

/* Writes where requests go: "preprod.example.com:443", or "3 targets by 20 routes". */
void config_format_targets(const struct config *config, char text[CONFIG_TARGETS_BYTES]);

/* Brings what a route's guard looks for up to date with its secrets and tokens, before these are
 * sent. false when memory is short: nothing may be sent. */
bool config_guard_refresh(const struct config_route *route);

/* Whether any route has a guard. */
bool config_has_guard(const struct config *config);

/* Whether any target has TLS. */
bool config_has_tls(const struct config *config);

/* Whether one of the fields has that name, or one that a target could take for it. */
bool config_fields_have(const struct config_fields *fields, struct slice name);

/* The most bytes that the fields add to a head, names and line ends included. */
size_t config_fields_bytes_max(const struct config_fields *fields);

#endif
