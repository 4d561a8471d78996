/* response: what the benchmark's clients ask, and whether the answer is right. */
#ifndef BENCH_RESPONSE_H
#define BENCH_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>

#define REQUEST_BYTES_MAX  4096
#define RESPONSE_BYTES_MIN 32768 /* of the space that response_read needs: for a head */

/* Writes a request head with these fields, each without its CRLF; says its length. */
size_t request_write(char head[REQUEST_BYTES_MAX], const char *method, const char *path,
                     char *const *fields, int count);

struct response {
    unsigned long long length; /* of its content, all of which has come */
    const char *content;       /* as much of it as is in the space still: the last read */
};

/* Reads a response to its end on a blocking socket. false unless it is a 200 with Content-Length
 * whose content comes whole, and nothing behind it. */
bool response_read(int fd, char *space, size_t cap, struct response *response);

#endif
