/* name: a host name and the addresses that the keeper has found for it, in memory that all
 * processes share. The keeper alone writes them. */
#ifndef AUTHBRIDGE_NAME_H
#define AUTHBRIDGE_NAME_H

#include <stdbool.h>

#include "slice.h"

#define NAME_BYTES_MAX ((size_t)2048) /* of all addresses of one name: some fifty */

struct name;

/* Makes one without addresses, before the forks of those that use it. NULL without memory. */
struct name *name_new(const char *host);
void name_free(struct name *name);

/* Takes the addresses over, and with them who writes them, from a configuration that is about to be
 * freed. */
void name_adopt(struct name *name, struct name *from);

const char *name_host(const struct name *name);

/* Whether a host is to be looked up at all: neither an address nor localhost, which libcurl knows.
 */
bool name_is_needed(const char *host);

/* A child's: the addresses as they are now, as CURLOPT_RESOLVE takes them: separated by commas,
 * IPv6 in brackets. Empty without any. No system call; valid until the next call. */
struct slice name_addresses(struct name *name);

/* Whether such a list has an address. */
bool name_list_has(struct slice addresses, const char *address);

/* The keeper's: puts others in their place; none for an empty text. */
void name_publish(struct name *name, struct slice addresses);

#endif
