/* resolve: tells libcurl the addresses that the keeper has found, so that a child neither waits for
 * a name server nor has libcurl start a thread for it. Where there are none libcurl looks the name
 * up by itself. */
#ifndef AUTHBRIDGE_RESOLVE_H
#define AUTHBRIDGE_RESOLVE_H

#include <curl/curl.h>
#include <stdbool.h>

#include "config.h"

#define RESOLVE_PEER_BYTES 64u /* of an address as text */

struct resolve {
    struct {
        struct name *name;
        const char *port;
        bool told; /* libcurl has addresses of ours for it */
    } entries[2];  /* the target's, the outgoing proxy's */
    size_t count;
    struct name *peer_name; /* of whom the connection is with; NULL: not one of these */
    char peer[RESOLVE_PEER_BYTES];
    struct curl_slist *list; /* libcurl's handle points to it */
};

/* Finds the names that connections of a route need. */
void resolve_init(struct resolve *resolve, const struct config_route *route);
void resolve_free(struct resolve *resolve);

/* For the connection that is about to be made. false when memory is short: libcurl does as it did
 * before. */
bool resolve_apply(struct resolve *resolve, CURL *handle);

/* Notes the address of the connection that has been made; and says, later, whether whom it is with
 * has others now, and this one no more. */
void resolve_note_peer(struct resolve *resolve, CURL *handle);
bool resolve_has_moved(const struct resolve *resolve);

#endif
