/* credentials: whether the tokens that a request is given are there; who waits for one that is not,
 * and for another one when the target has refused it. */
#ifndef AUTHBRIDGE_CREDENTIALS_H
#define AUTHBRIDGE_CREDENTIALS_H

#include <stdbool.h>

#include "config.h"

enum credentials {
    CREDENTIALS_READY,
    CREDENTIALS_MISSING,
    CREDENTIALS_CLIENT_GONE,
};

/* Brings the tokens of a route up to date. Whether all of them are valid now. */
bool credentials_refresh(const struct config_route *route);

/* The same, without a system call where they are valid. Waits for
 * those that are not there, each for its `wait` at most, as long as one may come and the client
 * stays. */
enum credentials credentials_await(const struct config_route *route, int client_fd);

/* Whether a route adds any token. */
bool credentials_exist(const struct config_route *route);

/* The target has refused a request with the tokens at hand: has the keeper get others.
 * CREDENTIALS_READY when there is another one, which is in force from now on; CREDENTIALS_MISSING
 * when there is none, or not in time. */
enum credentials credentials_renew(const struct config_route *route, int client_fd);

/* Whether one of them is not renewed any more: its configuration is not in force. */
bool credentials_are_outdated(const struct config_route *route);

#endif
