/* target: where requests go: the target's URL taken apart (RFC 3986, by libcurl's URL parser). */
#ifndef AUTHBRIDGE_TARGET_H
#define AUTHBRIDGE_TARGET_H

#include <stdbool.h>

#define TARGET_ERROR_BYTES 256u

struct target {
    bool is_https;
    char *url;  /* for libcurl: scheme://host:port/ */
    char *name; /* for people and for Proxy-Status: host:port, or unix:/path */
    char *host; /* without brackets */
    char *port;
    char *authority; /* for Host: host, with the port where it is not the scheme's default */
    char *base_path; /* "" or "/path" without a slash at its end */
    char *unix_path; /* NULL unless the target is a Unix socket */
};

/* Reads http://host[:port][/base], https://... or unix:/path into *target, which the caller
 * frees. false leaves nothing to free and says in error what would be right. */
bool target_parse(const char *text, struct target *target, char error[TARGET_ERROR_BYTES]);
void target_free(struct target *target);

/* A proxy to go out through. */
struct egress {
    char *url;   /* for libcurl: scheme://[user[:password]@]host:port; NULL: none */
    char *shown; /* for people: credentials as *** */
    char *host;  /* without brackets */
    char *port;
    bool resolves; /* it looks the target's name up, not we */
};

/* Reads http://, socks5:// or socks5h://[user[:password]@]host:port, user and password percent-
 * encoded, into *egress, which the caller frees. false, with nothing to free, on anything else:
 * libcurl would ignore a proxy that it cannot read, and connect without it. */
bool egress_parse(const char *text, struct egress *egress);
void egress_free(struct egress *egress);

#endif
