/* upstream_tls: the octets of a TLS connection that libcurl has made, moved by OpenSSL itself over
 * the socket, as plain moves those of one without TLS: libcurl's own moves do the same, at a tenth
 * more processor time for each exchange. */
#ifndef AUTHBRIDGE_UPSTREAM_TLS_H
#define AUTHBRIDGE_UPSTREAM_TLS_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "slice.h"
#include "wait.h"

#define UPSTREAM_TLS_ERROR_BYTES 256 /* at most, of a failure in words, with its end */

struct upstream_tls {
    SSL *ssl; /* libcurl's own, which frees it with its connection; NULL: there is none */
    int fd;
    bool waits; /* the next receive of the socket may wait for a moment */
    bool ended; /* the socket has */
};

/* Takes the octets over, once the handshake is complete; tls->ssl is set already, and *tls stays
 * where it is until the connection is closed. false when memory is short, or the socket cannot
 * be prepared: the connection is to be given up. */
bool upstream_tls_attach(struct upstream_tls *tls, int fd);

/* As plain_receive(), with *pending: whether another receive may find something that poll(2) on the
 * socket does not show. IO_END is the target's close_notify: without it the connection was cut,
 * perhaps by somebody else (RFC 8446 6.1), which is IO_FAILED; nothing is to be received after
 * that. */
enum io_result upstream_tls_receive(struct upstream_tls *tls, char *at, size_t cap, bool waits,
                                    size_t *moved, bool *pending);

/* As plain_send(). After IO_AGAIN the same octets are to be given again, perhaps with more behind
 * them. */
enum io_result upstream_tls_send(struct upstream_tls *tls, struct slice octets, size_t *moved);

/* Sends close_notify. IO_AGAIN: wait until the socket takes octets, and call it again; IO_FAILED:
 * the connection is broken. */
enum io_result upstream_tls_end(struct upstream_tls *tls);

/* Says what the last call failed for, by the thread's queue of errors and errno. */
void upstream_tls_explain(const struct upstream_tls *tls, char text[UPSTREAM_TLS_ERROR_BYTES]);

#endif
