/* client_tls: TLS on the client's socket. */
#include "client_tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>

#define RECORD_BYTES SSL3_RT_MAX_PLAIN_LENGTH

bool client_tls_init(struct client_tls *tls, SSL_CTX *context, int fd)
{
    *tls = (struct client_tls){
        .ssl = SSL_new(context), .receive_event = POLLIN, .send_event = POLLOUT};
    if (tls->ssl == NULL || SSL_set_fd(tls->ssl, fd) != 1) {
        client_tls_free(tls);
        return false;
    }
    SSL_set_accept_state(tls->ssl);
    return true;
}

void client_tls_free(struct client_tls *tls)
{
    SSL_free(tls->ssl);
    *tls = (struct client_tls){0};
}

static bool is_end_without_notice(unsigned long error)
{
    return ERR_GET_LIB(error) == ERR_LIB_SSL &&
           ERR_GET_REASON(error) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
}

/* What a call that did not succeed means; *event is what is to be waited for then. */
static enum io_result outcome(struct client_tls *tls, int result, short *event)
{
    switch (SSL_get_error(tls->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        *event = POLLIN;
        return IO_AGAIN;
    case SSL_ERROR_WANT_WRITE:
        *event = POLLOUT;
        return IO_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return IO_END;
    default:
        tls->broken = true;
        return IO_FAILED;
    }
}

enum io_result client_tls_shake_hands(struct client_tls *tls)
{
    ERR_clear_error();
    int result = SSL_do_handshake(tls->ssl);
    if (result == 1)
        return IO_OK;
    int error = errno;
    enum io_result handshake = outcome(tls, result, &tls->receive_event);
    bool left = handshake == IO_FAILED &&
                (is_end_without_notice(ERR_peek_error()) ||
                 (ERR_peek_error() == 0 && (error == ECONNRESET || error == EPIPE)));
    return left ? IO_END : handshake;
}

enum io_result client_tls_receive(struct client_tls *tls, char *at, size_t cap, size_t *got)
{
    *got = 0;
    ERR_clear_error();
    int result = SSL_read_ex(tls->ssl, at, cap, got);
    tls->dry = result != 1;
    if (result != 1)
        return outcome(tls, result, &tls->receive_event);
    tls->receive_event = POLLIN;
    return IO_OK;
}

bool client_tls_has_pending(const struct client_tls *tls)
{
    return tls->ssl != NULL && !tls->dry && SSL_has_pending(tls->ssl) == 1;
}

short client_tls_poll_events(const struct client_tls *tls, short events)
{
    int wanted = events & ~(POLLIN | POLLOUT);

    if ((events & POLLIN) != 0)
        wanted |= tls->receive_event;
    if ((events & POLLOUT) != 0)
        wanted |= tls->send_event;
    return (short)wanted;
}

size_t client_tls_unread_max(const struct client_tls *tls)
{
    return SSL_has_pending(tls->ssl) == 1 ? 2 * RECORD_BYTES : 0;
}

/* The octets of the next record: the first piece where it fills one or stands alone, else a copy of
 * what the pieces begin with, for each record costs its own overhead and system call. */
static struct iovec gather(const struct iovec *pieces, int count, char record[RECORD_BYTES])
{
    size_t len = 0;

    if (count == 1 || pieces[0].iov_len >= RECORD_BYTES) {
        len = pieces[0].iov_len < RECORD_BYTES ? pieces[0].iov_len : RECORD_BYTES;
        return (struct iovec){pieces[0].iov_base, len};
    }
    for (int i = 0; i < count; i++) {
        size_t room = RECORD_BYTES - len;
        size_t part = pieces[i].iov_len < room ? pieces[i].iov_len : room;
        memcpy(record + len, pieces[i].iov_base, part);
        len += part;
    }
    return (struct iovec){record, len};
}

enum io_result client_tls_send(struct client_tls *tls, const struct iovec *pieces, int count,
                               size_t *sent)
{
    char record[RECORD_BYTES];
    struct iovec next = gather(pieces, count, record);

    *sent = 0;
    if (next.iov_len < tls->owed)
        return IO_FAILED; /* not what was given before */
    if (tls->owed > 0)
        next.iov_len = tls->owed;
    ERR_clear_error();
    int result = SSL_write_ex(tls->ssl, next.iov_base, next.iov_len, sent);
    if (result == 1) {
        tls->owed = 0;
        tls->send_event = POLLOUT;
        return IO_OK;
    }
    *sent = 0;
    enum io_result failure = outcome(tls, result, &tls->send_event);
    if (failure == IO_AGAIN)
        tls->owed = next.iov_len;
    return failure == IO_AGAIN ? IO_AGAIN : IO_FAILED;
}

enum io_result client_tls_end(struct client_tls *tls)
{
    if (tls->broken || tls->owed > 0)
        return IO_FAILED;
    ERR_clear_error();
    int result = SSL_shutdown(tls->ssl);
    return result >= 0 ? IO_OK : outcome(tls, result, &tls->send_event);
}
