/* request_id: identifiers of requests: 128 random bits each. */
#include "request_id.h"

#include <stdlib.h>
#include <sys/random.h>

#define ID_OCTETS (REQUEST_ID_BYTES / 2)
#define POOL_IDS  16u /* made by one system call */

/* Filled first in the child, after the fork: no two children share a pool. */
static unsigned char pool[POOL_IDS][ID_OCTETS];
static unsigned next_id = POOL_IDS;

void request_id_make(char text[REQUEST_ID_BYTES + 1])
{
    static const char digits[] = "0123456789abcdef";

    if (next_id == POOL_IDS) {
        if (getrandom(pool, sizeof pool, 0) != (ssize_t)sizeof pool)
            abort(); /* up to 256 octets are given whole, once the kernel is seeded */
        next_id = 0;
    }
    for (size_t i = 0; i < ID_OCTETS; i++) {
        text[2 * i] = digits[pool[next_id][i] >> 4];
        text[2 * i + 1] = digits[pool[next_id][i] & 15];
    }
    text[REQUEST_ID_BYTES] = '\0';
    next_id++;
}
