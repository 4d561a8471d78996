/* upstream_tls: the octets of a TLS connection that libcurl has made. */
#include "upstream_tls.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>

#include "plain.h"

/* ---- the socket, as OpenSSL sees it ---- */

static int read_socket(BIO *bio, char *at, int cap)
{
    struct upstream_tls *tls = BIO_get_data(bio);
    bool waits = tls->waits;
    size_t moved;

    tls->waits = false;
    BIO_clear_retry_flags(bio);
    enum io_result result = plain_receive(tls->fd, at, (size_t)cap, waits, &moved);
    if (result == IO_AGAIN)
        BIO_set_retry_read(bio);
    tls->ended = result == IO_END;
    return result == IO_OK ? (int)moved : result == IO_END ? 0 : -1;
}

static int write_socket(BIO *bio, const char *at, int len)
{
    const struct upstream_tls *tls = BIO_get_data(bio);
    size_t moved;

    BIO_clear_retry_flags(bio);
    enum io_result result = plain_send(tls->fd, (struct slice){at, (size_t)len}, &moved);
    if (result == IO_AGAIN)
        BIO_set_retry_write(bio);
    return result == IO_OK ? (int)moved : -1;
}

/* An end is not told as BIO_CTRL_EOF, for which OpenSSL would send an alert, and nothing more. */
static long control_socket(BIO *bio, int command, long number, void *data)
{
    (void)bio, (void)number, (void)data;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

/* The same for each connection of this process. */
static const BIO_METHOD *method(void)
{
    static BIO_METHOD *made;

    if (made != NULL)
        return made;
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "target");
    if (method == NULL || BIO_meth_set_read(method, read_socket) != 1 ||
        BIO_meth_set_write(method, write_socket) != 1 ||
        BIO_meth_set_ctrl(method, control_socket) != 1) {
        BIO_meth_free(method);
        return NULL;
    }
    made = method;
    return made;
}

bool upstream_tls_attach(struct upstream_tls *tls, int fd)
{
    if (method() == NULL || !plain_prepare(fd))
        return false;
    BIO *bio = BIO_new(method());
    if (bio == NULL)
        return false;
    *tls = (struct upstream_tls){.ssl = tls->ssl, .fd = fd};
    BIO_set_data(bio, tls);
    SSL_set_bio(tls->ssl, bio, bio);
    return true;
}

/* ---- octets ---- */

static enum io_result result_of(const struct upstream_tls *tls, int result)
{
    int number = errno;
    int error = SSL_get_error(tls->ssl, result);

    errno = number;
    switch (error) {
    case SSL_ERROR_NONE:
        return IO_OK;
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return IO_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return IO_END;
    default:
        return IO_FAILED;
    }
}

enum io_result upstream_tls_receive(struct upstream_tls *tls, char *at, size_t cap, bool waits,
                                    size_t *moved, bool *pending)
{
    *moved = 0;
    ERR_clear_error();
    tls->waits = waits;
    int result = SSL_read_ex(tls->ssl, at, cap, moved);
    tls->waits = false;
    *pending = result == 1 && SSL_has_pending(tls->ssl) == 1;
    return result_of(tls, result);
}

enum io_result upstream_tls_send(struct upstream_tls *tls, struct slice octets, size_t *moved)
{
    *moved = 0;
    tls->ended = false;
    ERR_clear_error();
    enum io_result result = result_of(tls, SSL_write_ex(tls->ssl, octets.at, octets.len, moved));
    return result == IO_END ? IO_FAILED : result;
}

enum io_result upstream_tls_end(struct upstream_tls *tls)
{
    ERR_clear_error();
    int result = SSL_shutdown(tls->ssl);
    int error = result < 0 ? SSL_get_error(tls->ssl, result) : SSL_ERROR_NONE;
    if (error == SSL_ERROR_WANT_WRITE)
        return IO_AGAIN;
    return error == SSL_ERROR_NONE || error == SSL_ERROR_WANT_READ ? IO_OK : IO_FAILED;
}

void upstream_tls_explain(const struct upstream_tls *tls, char text[UPSTREAM_TLS_ERROR_BYTES])
{
    const char *reason = ERR_reason_error_string(ERR_peek_error());

    if (reason != NULL)
        snprintf(text, UPSTREAM_TLS_ERROR_BYTES, "TLS: %s", reason);
    else if (tls->ended)
        snprintf(text, UPSTREAM_TLS_ERROR_BYTES, "TLS ended without close_notify");
    else
        snprintf(text, UPSTREAM_TLS_ERROR_BYTES, "%s", strerror(errno));
}
