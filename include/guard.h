/* guard: which texts must not come back in a route's responses: the secrets that its requests
 * carry, as they are now, and the forms in which services that echo a request show them. Each
 * process keeps its own up to date, as it does with the secrets themselves. */
#ifndef AUTHBRIDGE_GUARD_H
#define AUTHBRIDGE_GUARD_H

#include <stdbool.h>

#include "config.h"
#include "reflect.h"

/* Shorter secrets would be found in ordinary text. */
#define GUARD_SECRET_BYTES_MIN 8u

/* Longer secrets are looked for as they are, and in no other form. */
#define GUARD_ENCODED_BYTES_MAX ((size_t)8 * 1024)

/* No text that is looked for is longer. */
#define GUARD_TEXT_BYTES_MAX VALUE_BYTES_MAX

struct guard;

/* Looks for nothing yet. NULL when memory is short. */
struct guard *guard_new(void);
void guard_free(struct guard *guard);

/* Looks for the secrets in these fields from now on: the parts of their values that come from
 * outside the file, and literals in Authorization and Proxy-Authorization, their scheme aside.
 * Costs little when they are what they were. false when memory is short: nothing may be sent then.
 */
bool guard_refresh(struct guard *guard, const struct config_fields *fields);

/* What is looked for, valid until the next guard_refresh. */
const struct reflect *guard_texts(const struct guard *guard);

/* Whether a field's value has a secret in it that is too short to be looked for. */
bool guard_leaves_out(const struct config_field *field);

#endif
