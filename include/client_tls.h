/* client_tls: TLS on the client's socket: OpenSSL's moves in the terms of wait.h. Nothing here
 * waits. */
#ifndef AUTHBRIDGE_CLIENT_TLS_H
#define AUTHBRIDGE_CLIENT_TLS_H

#include <openssl/types.h>
#include <stdbool.h>
#include <sys/uio.h>

#include "wait.h"

/* The TLS of one connection; all zero: it has none. */
struct client_tls {
    SSL *ssl;
    short receive_event; /* of poll(2): what a receive that found nothing waits for */
    short send_event;    /* the same for a send */
    size_t owed;         /* octets of a record that has left in part, and was not counted as sent */
    bool dry;            /* the last receive found nothing: only the socket can tell of more */
    bool broken;         /* nothing more can be said on it */
};

/* Sets a server's side up on a connected, non-blocking socket. false when memory is short. */
bool client_tls_init(struct client_tls *tls, SSL_CTX *context, int fd);
void client_tls_free(struct client_tls *tls);

/* Goes on with the handshake. IO_OK: it is complete; IO_AGAIN: wait for receive_event; IO_FAILED:
 * the client has been told why, as far as its socket took it, and OpenSSL's queue of errors says
 * it (err_get_error(3)); IO_END: the client ended the connection. */
enum io_result client_tls_shake_hands(struct client_tls *tls);

/* As recv(2); IO_END is the client's close_notify, an end without it is IO_FAILED. */
enum io_result client_tls_receive(struct client_tls *tls, char *at, size_t cap, size_t *got);

/* Whether a receive may find something that poll(2) on the socket does not show. */
bool client_tls_has_pending(const struct client_tls *tls);

/* What to poll(2) the socket for in order to receive (POLLIN) and to send (POLLOUT). */
short client_tls_poll_events(const struct client_tls *tls, short events);

/* At most how many octets stand in records that have been taken from the socket. */
size_t client_tls_unread_max(const struct client_tls *tls);

/* Sends the beginning of the pieces in one record. After IO_AGAIN the same octets must be given
 * again, perhaps with more behind them, or nothing be sent any more. */
enum io_result client_tls_send(struct client_tls *tls, const struct iovec *pieces, int count,
                               size_t *sent);

/* Sends close_notify. IO_AGAIN: wait for send_event, and call it again; IO_FAILED: it cannot be
 * sent, for a record has left in part or the connection is broken. */
enum io_result client_tls_end(struct client_tls *tls);

#endif
