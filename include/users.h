/* users: the names in a file of name:hash lines (crypt(5)), which is followed: whose requests are
 * served, and how their passwords are told from others. */
#ifndef AUTHBRIDGE_USERS_H
#define AUTHBRIDGE_USERS_H

#include <stdbool.h>
#include <stddef.h>

#include "slice.h"

#define USERS_BYTES_MAX      ((size_t)1024 * 1024) /* of the file */
#define USERS_NAME_BYTES_MAX 128u
#define USERS_ERROR_BYTES    256u
#define USERS_DIGEST_BYTES   32u

struct users;

/* Reads the file; warns when everybody may read it. NULL, with error filled and nothing to free,
 * when a line of it cannot be used, or none is there. */
struct users *users_open(const char *path, char error[USERS_ERROR_BYTES]);
void users_free(struct users *users);

/* Reads the file again when it has changed (followed_file_refresh). NULL, or why nobody can be
 * known. */
const char *users_refresh(struct users *users, long long now);

/* Changes with each reading of the file. */
unsigned long users_generation(const struct users *users);

/* The hash that a password of that user's is held against, and whether there is such a user: if not
 * it is another's, and always the same one, so that an answer takes as long. Empty while the file
 * cannot be used. */
struct slice users_hash_of(const struct users *users, struct slice name, bool *is_known);

/* A digest of the octets that only this bridge can make (HMAC). false when that fails. */
bool users_digest(const struct users *users, struct slice octets,
                  unsigned char digest[USERS_DIGEST_BYTES]);

/* Whether a failure may be logged now: at most one a second, over all processes. */
bool users_may_log(struct users *users, long long now);

/* For after a change of user (followed_file_keep_if_unreadable). */
bool users_keep_if_unreadable(struct users *users);
const char *users_path(const struct users *users);

#endif
