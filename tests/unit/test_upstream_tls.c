/* Tests of upstream_tls against OpenSSL's server on a socket pair: what a socket that is empty,
 * full or at its end comes to. */
#include "upstream_tls.h"

#include <openssl/ssl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support.h"

#define SOCKET_BYTES 4096 /* a record of full size does not fit */
#define STEPS_MAX    32   /* of a handshake */
#define MANY         ((size_t)256 * 1024)

/* Both ends of a connection. */
struct pair {
    struct upstream_tls ours;
    SSL *theirs;
    SSL_CTX *contexts[2];
    int ends[2]; /* ours, theirs */
};

static void end_pair(void *at)
{
    struct pair *pair = at;

    SSL_free(pair->ours.ssl);
    SSL_free(pair->theirs);
    for (int i = 0; i < 2; i++) {
        SSL_CTX_free(pair->contexts[i]);
        if (pair->ends[i] >= 0)
            close(pair->ends[i]);
    }
}

static void make_contexts(struct pair *pair)
{
    const char *identity = new_identity();

    pair->contexts[0] = SSL_CTX_new(TLS_client_method());
    pair->contexts[1] = SSL_CTX_new(TLS_server_method());
    assert_int_equal(SSL_CTX_use_certificate_file(pair->contexts[1], identity, SSL_FILETYPE_PEM),
                     1);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(pair->contexts[1], identity, SSL_FILETYPE_PEM), 1);
    SSL_CTX_set_mode(pair->contexts[0],
                     SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_ENABLE_PARTIAL_WRITE);
    SSL_CTX_set_read_ahead(pair->contexts[0], 1);
}

/* A connection whose handshake OpenSSL has made on the socket itself, as libcurl does, and whose
 * octets are ours from then on. */
static struct pair *connect_pair(void)
{
    static struct pair pair;
    const int bytes = SOCKET_BYTES;

    pair = (struct pair){0};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair.ends), 0);
    defer(end_pair, &pair);
    make_contexts(&pair);
    for (int i = 0; i < 2; i++)
        setsockopt(pair.ends[i], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    pair.ours.ssl = SSL_new(pair.contexts[0]);
    pair.theirs = SSL_new(pair.contexts[1]);
    SSL_set_fd(pair.ours.ssl, pair.ends[0]);
    SSL_set_fd(pair.theirs, pair.ends[1]);
    SSL_set_connect_state(pair.ours.ssl);
    SSL_set_accept_state(pair.theirs);
    for (int i = 0; i < STEPS_MAX && !SSL_is_init_finished(pair.theirs); i++) {
        SSL_do_handshake(pair.ours.ssl);
        SSL_do_handshake(pair.theirs);
    }
    assert_true(SSL_is_init_finished(pair.theirs));
    assert_true(upstream_tls_attach(&pair.ours, pair.ends[0]));
    return &pair;
}

static enum io_result receive(struct pair *pair, char *at, size_t cap, size_t *got)
{
    bool pending;

    return upstream_tls_receive(&pair->ours, at, cap, false, got, &pending);
}

static void end_theirs(struct pair *pair)
{
    close(pair->ends[1]);
    pair->ends[1] = -1;
}

static void check_reason(const struct pair *pair, const char *part)
{
    char text[UPSTREAM_TLS_ERROR_BYTES] = "";

    upstream_tls_explain(&pair->ours, text);
    check_has("reason", text, part);
}

/* ---- receiving ---- */

/* The session tickets of TLS 1.3, which come first, are no octets of the message. */
static void test_nothing_there(void)
{
    struct pair *pair = connect_pair();
    bool pending = true;
    char octet;
    size_t got = 1;

    for (int waits = 0; waits < 2; waits++) {
        check_number("receive",
                     upstream_tls_receive(&pair->ours, &octet, 1, waits != 0, &got, &pending),
                     IO_AGAIN);
        check_number("got", got, 0);
        check_number("pending", pending, false);
    }
}

static void test_pending(void)
{
    struct pair *pair = connect_pair();
    bool pending;
    char octet;
    size_t got;

    for (int i = 0; i < 3; i++)
        check_number("write", SSL_write(pair->theirs, "ab", 2), 2);
    for (int i = 0; i < 6; i++) {
        check_number("receive",
                     upstream_tls_receive(&pair->ours, &octet, 1, i == 0, &got, &pending), IO_OK);
        check_number("octet", octet, i % 2 == 0 ? 'a' : 'b');
        check_number("pending", pending, i < 5);
    }
    check_number("receive", receive(pair, &octet, 1, &got), IO_AGAIN);
}

static void test_end(void)
{
    struct pair *pair = connect_pair();
    char octets[8];
    size_t got;

    check_number("write", SSL_write(pair->theirs, "a", 1), 1);
    SSL_shutdown(pair->theirs);
    end_theirs(pair);
    check_number("receive", receive(pair, octets, sizeof octets, &got), IO_OK);
    for (int i = 0; i < 2; i++)
        check_number("end", receive(pair, octets, sizeof octets, &got), IO_END);
}

static void test_end_without_notice(void)
{
    struct pair *pair = connect_pair();
    char octets[8];
    size_t got;

    check_number("write", SSL_write(pair->theirs, "a", 1), 1);
    end_theirs(pair);
    check_number("receive", receive(pair, octets, sizeof octets, &got), IO_OK);
    check_number("end", receive(pair, octets, sizeof octets, &got), IO_FAILED);
    check_reason(pair, "TLS ended without close_notify");
}

/* As when a target of TLS 1.3 refuses our certificate: its handshake ends after ours. */
static void test_alert(void)
{
    static const unsigned char garbage[] = {23, 3, 3, 0,  17, 1,  2,  3,  4,  5,  6,
                                            7,  8, 9, 10, 11, 12, 13, 14, 15, 16, 17};
    struct pair *pair = connect_pair();
    char octet;
    size_t got;

    check_number("garbage", send(pair->ends[0], garbage, sizeof garbage, 0), sizeof garbage);
    check_number("their read", SSL_read(pair->theirs, &octet, 1), -1);
    end_theirs(pair);
    check_number("receive", receive(pair, &octet, 1, &got), IO_FAILED);
    check_reason(pair, "alert bad record mac");
}

static void test_garbage(void)
{
    struct pair *pair = connect_pair();
    char octet;
    size_t got;

    check_number("garbage", send(pair->ends[1], "HTTP/1.1 200 OK\r\n\r\n", 19, 0), 19);
    check_number("receive", receive(pair, &octet, 1, &got), IO_FAILED);
    check_reason(pair, "TLS: wrong version number");
}

/* ---- sending ---- */

/* Nothing is lost or doubled when a record goes in parts, from a buffer that moves. */
static void test_full_socket(void)
{
    static char read[MANY];
    struct pair *pair = connect_pair();
    const char *octets = letters(MANY);
    size_t taken = 0, sent = 0, there = 0;
    bool was_full = false;

    while (taken < MANY) {
        char *copy = memcpy(test_malloc(MANY - taken), octets + taken, MANY - taken);
        enum io_result result =
            upstream_tls_send(&pair->ours, (struct slice){copy, MANY - taken}, &sent);
        test_free(copy);
        if (!check(result == IO_OK || result == IO_AGAIN, "send: %d", (int)result))
            return;
        was_full = was_full || result == IO_AGAIN;
        taken += sent;
        there += read_tls(pair->theirs, read + there, result == IO_AGAIN ? 3000 : 0);
    }
    there += read_tls(pair->theirs, read + there, MANY - there);
    check(was_full, "the socket was never full");
    check_number("read", there, MANY);
    check(memcmp(read, octets, MANY) == 0, "other octets came");
}

static void test_sending_to_nobody(void)
{
    struct pair *pair = connect_pair();
    char octet;
    size_t sent;

    end_theirs(pair);
    check_number("receive", receive(pair, &octet, 1, &sent), IO_FAILED);
    check_number("send", upstream_tls_send(&pair->ours, slice_of("a"), &sent), IO_FAILED);
    check_reason(pair, "Broken pipe");
}

/* After their close_notify, ours may still be sent. */
static void test_sending_after_their_end(void)
{
    struct pair *pair = connect_pair();
    char octet;
    size_t moved;

    SSL_shutdown(pair->theirs);
    check_number("receive", receive(pair, &octet, 1, &moved), IO_END);
    check_number("send", upstream_tls_send(&pair->ours, slice_of("a"), &moved), IO_OK);
    check_number("their read", SSL_read(pair->theirs, &octet, 1), 1);
}

/* ---- our own end ---- */

static void test_our_end(void)
{
    struct pair *pair = connect_pair();
    char octet;

    check_number("end", upstream_tls_end(&pair->ours), IO_OK);
    int result = SSL_read(pair->theirs, &octet, 1);
    check_number("their end", SSL_get_error(pair->theirs, result), SSL_ERROR_ZERO_RETURN);
}

/* It waits until the socket takes it. */
static void test_our_end_with_a_full_socket(void)
{
    static char read[SOCKET_BYTES];
    struct pair *pair = connect_pair();
    size_t sent, all = 0;

    do {
        enum io_result result = upstream_tls_send(&pair->ours, slice_of("a"), &sent);
        if (!check(result == IO_OK || result == IO_AGAIN, "send: %d", (int)result))
            return;
        all += sent;
    } while (sent > 0 && all < SOCKET_BYTES);
    check_number("read", read_tls(pair->theirs, read, 1), 1);
    check_number("send", upstream_tls_send(&pair->ours, slice_of("a"), &sent), IO_OK);
    check_number("end", upstream_tls_end(&pair->ours), IO_AGAIN);
    check_number("read", read_tls(pair->theirs, read, SOCKET_BYTES), all);
    check_number("end", upstream_tls_end(&pair->ours), IO_OK);
    int result = SSL_read(pair->theirs, read, 1);
    check_number("their end", SSL_get_error(pair->theirs, result), SSL_ERROR_ZERO_RETURN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_nothing_there),
        TEST(test_pending),
        TEST(test_end),
        TEST(test_end_without_notice),
        TEST(test_alert),
        TEST(test_garbage),
        TEST(test_full_socket),
        TEST(test_sending_to_nobody),
        TEST(test_sending_after_their_end),
        TEST(test_our_end),
        TEST(test_our_end_with_a_full_socket),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
