/* sign_in: who sent a request, by Basic authentication (RFC 7617): name and password are held
 * against the users' hashes. That takes long by design: what was right last is remembered in this
 * process, as a digest, so that a kept connection pays once. */
#ifndef AUTHBRIDGE_SIGN_IN_H
#define AUTHBRIDGE_SIGN_IN_H

#include "http_request.h"
#include "users.h"

/* What a 401 asks for. */
#define SIGN_IN_CHALLENGE "Basic realm=\"authbridge\", charset=\"UTF-8\""

enum sign_in_result {
    SIGNED_IN,
    SIGN_IN_MISSING, /* no credentials, or none of this kind */
    SIGN_IN_WRONG,
};

/* Sets *name to the user's name: with SIGN_IN_WRONG only if there is such a user, else it is empty,
 * for it may be a password typed in the wrong place. It is valid until the next call. The
 * credentials are overwritten where the request has them. */
enum sign_in_result sign_in_check(struct users *users, const struct http_request *request,
                                  struct slice *name);

/* Forgets what was right last: another client is next. */
void sign_in_forget(void);

#endif
