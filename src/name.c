/* name: a host name and its addresses, in shared memory. */
#include "name.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "publication.h"

struct name {
    char *host;
    struct publication *addresses;
    struct publication_copy copy;
};

struct name *name_new(const char *host)
{
    struct name *name = calloc(1, sizeof *name);

    if (name == NULL)
        return NULL;
    name->host = strdup(host);
    name->addresses = publication_new(NAME_BYTES_MAX);
    if (name->host != NULL && name->addresses != NULL)
        return name;
    name_free(name);
    return NULL;
}

void name_free(struct name *name)
{
    if (name == NULL)
        return;
    publication_forget(&name->copy);
    publication_free(name->addresses);
    free(name->host);
    free(name);
}

void name_adopt(struct name *name, struct name *from)
{
    publication_forget(&name->copy);
    publication_free(name->addresses);
    name->addresses = from->addresses;
    from->addresses = NULL;
}

const char *name_host(const struct name *name)
{
    return name->host;
}

bool name_is_needed(const char *host)
{
    static const char local[] = ".localhost";
    unsigned char address[sizeof(struct in6_addr)];
    size_t len = strlen(host);
    size_t behind = sizeof local - 1;

    return inet_pton(AF_INET, host, address) != 1 && inet_pton(AF_INET6, host, address) != 1 &&
           strcasecmp(host, local + 1) != 0 &&
           (len <= behind || strcasecmp(host + len - behind, local) != 0);
}

struct slice name_addresses(struct name *name)
{
    publication_get(name->addresses, &name->copy);
    return (struct slice){name->copy.text, name->copy.len};
}

bool name_list_has(struct slice addresses, const char *address)
{
    size_t len = strlen(address);

    while (addresses.len > 0) {
        const char *comma = memchr(addresses.at, ',', addresses.len);
        struct slice one = {addresses.at,
                            comma != NULL ? (size_t)(comma - addresses.at) : addresses.len};
        size_t taken = one.len + (comma != NULL ? 1 : 0);
        if (one.len > 2 && one.at[0] == '[')
            one = (struct slice){one.at + 1, one.len - 2};
        if (one.len == len && memcmp(one.at, address, len) == 0)
            return true;
        addresses.at += taken;
        addresses.len -= taken;
    }
    return false;
}

void name_publish(struct name *name, struct slice addresses)
{
    publication_put(name->addresses, addresses, 0);
}
