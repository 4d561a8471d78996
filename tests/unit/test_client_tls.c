/* Tests of client_tls, with the context of listen_tls, against OpenSSL's client on a socket pair:
 * what a full socket, a full record and the wrong end of a connection come to. */
#include "client_tls.h"

#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "listen_tls.h"
#include "support.h"

#define SOCKET_BYTES 4096 /* a record of full size does not fit */
#define STEPS_MAX    32   /* of a handshake */
#define MANY         (256 * 1024)

/* Both ends of a connection. */
struct pair {
    struct client_tls ours;
    SSL *theirs;
    SSL_CTX *their_context;
    struct listen_tls *listen;
    int ends[2]; /* ours, theirs */
};

static struct listen_tls *load(void)
{
    char error[LISTEN_ERROR_BYTES] = "";
    const char *report;
    const char *text = text_of("[proxy]\nlisten = https://127.0.0.1:0\ntarget = http://a.example\n"
                               "[listen-tls]\ncert = %s\n",
                               new_identity());
    const struct config_source source = {.file = new_file(slice_of(text))};
    const struct config *config = load_config(&source, &report);

    assert_non_null(config);
    struct listen_tls *listen = listen_tls_load(config, error);
    check_text("error", error, "");
    assert_non_null(listen);
    return listen;
}

/* ---- connections ---- */

static void end_pair(void *at)
{
    struct pair *pair = at;

    client_tls_free(&pair->ours);
    SSL_free(pair->theirs);
    SSL_CTX_free(pair->their_context);
    listen_tls_free(pair->listen);
    close(pair->ends[0]);
    if (pair->ends[1] >= 0)
        close(pair->ends[1]);
}

/* A connection with the handshake behind it. */
static struct pair *connect_pair(void)
{
    static struct pair pair;
    const int bytes = SOCKET_BYTES;
    enum io_result ours = IO_AGAIN;

    pair = (struct pair){.listen = load(), .their_context = SSL_CTX_new(TLS_client_method())};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair.ends), 0);
    for (int i = 0; i < 2; i++)
        setsockopt(pair.ends[i], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    assert_true(client_tls_init(&pair.ours, listen_tls_context(pair.listen), pair.ends[0]));
    pair.theirs = SSL_new(pair.their_context);
    SSL_set_fd(pair.theirs, pair.ends[1]);
    SSL_set_connect_state(pair.theirs);
    defer(end_pair, &pair);
    for (int i = 0; i < STEPS_MAX && (ours != IO_OK || !SSL_is_init_finished(pair.theirs)); i++) {
        SSL_do_handshake(pair.theirs);
        ours = ours == IO_OK ? IO_OK : client_tls_shake_hands(&pair.ours);
    }
    assert_int_equal(ours, IO_OK);
    return &pair;
}

static enum io_result send_one(struct pair *pair, const char *at, size_t len, size_t *sent)
{
    const struct iovec piece = {(char *)at, len};

    return client_tls_send(&pair->ours, &piece, 1, sent);
}

/* ---- tests ---- */

static void test_pieces_go_in_one_record(void)
{
    struct pair *pair = connect_pair();
    const struct iovec pieces[] = {{(char *)"head", 4}, {(char *)"content", 7}};
    char got[32];
    size_t sent, len = 0;

    check_number("send", client_tls_send(&pair->ours, pieces, 2, &sent), IO_OK);
    check_number("sent", sent, 11);
    check_number("read", SSL_read_ex(pair->theirs, got, sizeof got, &len), 1);
    check_octets("record", (struct slice){got, len}, slice_of("headcontent"));
}

/* A transfer from us to them, by a socket that is full most of the time. */
struct transfer {
    const char *octets;
    size_t given, taken, read; /* of MANY: what may be sent by now, was sent, and was read */
    bool was_full;
    char *got;
};

/* Sends what goes; once the socket is full, they read a little, and more is given behind the octets
 * that are waiting. */
static bool transfer_some(struct pair *pair, struct transfer *transfer)
{
    size_t sent;

    enum io_result result = send_one(pair, transfer->octets + transfer->taken,
                                     transfer->given - transfer->taken, &sent);
    transfer->taken += sent;
    if (result == IO_AGAIN) {
        transfer->was_full = true;
        check_number("owed", client_tls_poll_events(&pair->ours, POLLOUT), POLLOUT);
        transfer->read += read_tls(pair->theirs, transfer->got + transfer->read, 3000);
    }
    if (transfer->was_full || transfer->taken == transfer->given)
        transfer->given = transfer->given + 5000 < MANY ? transfer->given + 5000 : MANY;
    return check(result == IO_OK || result == IO_AGAIN, "send: %d", (int)result);
}

static void finish_transfer(struct pair *pair, struct transfer *transfer)
{
    while (transfer->taken < MANY && transfer_some(pair, transfer))
        ;
    transfer->read += read_tls(pair->theirs, transfer->got + transfer->read, MANY - transfer->read);
    check_number("owed", pair->ours.owed, 0);
    check(transfer->was_full, "the socket was never full");
    check_number("read", transfer->read, MANY);
    check(memcmp(transfer->got, transfer->octets, MANY) == 0, "other octets came");
}

static struct transfer begin_transfer(void)
{
    static char got[MANY + 3000];

    memset(got, 0, sizeof got);
    return (struct transfer){.octets = letters(MANY), .given = 100, .got = got};
}

/* Nothing is lost or doubled when a record goes in parts, with more behind it at each try. */
static void test_full_socket(void)
{
    struct pair *pair = connect_pair();
    struct transfer transfer = begin_transfer();

    finish_transfer(pair, &transfer);
}

/* They change their keys, and ask us to, while a record of ours is on its way in part. */
static void test_key_update_within_a_record(void)
{
    struct pair *pair = connect_pair();
    struct transfer transfer = begin_transfer();
    char octet;
    size_t got;

    while (pair->ours.owed == 0 && transfer_some(pair, &transfer))
        ;
    check_number("key update", SSL_key_update(pair->theirs, SSL_KEY_UPDATE_REQUESTED), 1);
    check_number("write", SSL_write(pair->theirs, "a", 1), 1);
    check_number("receive", client_tls_receive(&pair->ours, &octet, 1, &got), IO_OK);
    finish_transfer(pair, &transfer);
}

static void fill(struct pair *pair)
{
    const char *octets = letters(MANY);
    size_t sent;

    while (send_one(pair, octets, MANY, &sent) == IO_OK)
        ;
}

static void test_nothing_follows_half_a_record(void)
{
    struct pair *pair = connect_pair();
    size_t sent;

    fill(pair);
    check_number("another answer", send_one(pair, "HTTP/1.1", 8, &sent), IO_FAILED);
    check_number("end", client_tls_end(&pair->ours), IO_FAILED);
}

static void test_pending(void)
{
    struct pair *pair = connect_pair();
    char octet;
    size_t got;

    for (int i = 0; i < 3; i++)
        check_number("write", SSL_write(pair->theirs, "ab", 2), 2);
    for (int i = 0; i < 6; i++) {
        check_number("receive", client_tls_receive(&pair->ours, &octet, 1, &got), IO_OK);
        check_number("octet", octet, i % 2 == 0 ? 'a' : 'b');
        check_number("pending", client_tls_has_pending(&pair->ours), i < 5);
    }
    check_number("receive", client_tls_receive(&pair->ours, &octet, 1, &got), IO_AGAIN);
    check_number("got", got, 0);
}

/* A record of which a part has come is no reason to try again before more has. */
static void test_part_of_a_record_is_not_pending(void)
{
    struct pair *pair = connect_pair();
    BIO *memory = BIO_new(BIO_s_mem());
    char *record;
    char octet;
    size_t got;

    SSL_set0_wbio(pair->theirs, memory);
    check_number("write", SSL_write(pair->theirs, "ab", 2), 2);
    size_t len = (size_t)BIO_get_mem_data(memory, &record);
    check_number("part", write(pair->ends[1], record, len - 1), len - 1);
    check_number("receive", client_tls_receive(&pair->ours, &octet, 1, &got), IO_AGAIN);
    check_number("pending", client_tls_has_pending(&pair->ours), false);
    check_number("rest", write(pair->ends[1], record + len - 1, 1), 1);
    check_number("receive", client_tls_receive(&pair->ours, &octet, 1, &got), IO_OK);
    check_number("pending", client_tls_has_pending(&pair->ours), true);
}

static void test_end_of_ours(void)
{
    struct pair *pair = connect_pair();
    char octet;
    size_t got;

    check_number("end", client_tls_end(&pair->ours), IO_OK);
    int result = SSL_read(pair->theirs, &octet, 1);
    check_number("their end", SSL_get_error(pair->theirs, result), SSL_ERROR_ZERO_RETURN);
    check_number("write", SSL_write(pair->theirs, "a", 1), 1);
    check_number("receive", client_tls_receive(&pair->ours, &octet, 1, &got), IO_OK);
}

static void test_end_of_theirs(void)
{
    struct pair *pair = connect_pair();
    char octet;
    size_t got;

    SSL_shutdown(pair->theirs);
    check_number("receive", client_tls_receive(&pair->ours, &octet, 1, &got), IO_END);
    check_number("send", send_one(pair, "a", 1, &got), IO_OK);
    check_number("end", client_tls_end(&pair->ours), IO_OK);
}

static void test_end_without_notice(void)
{
    struct pair *pair = connect_pair();
    char octet;
    size_t got;

    close(pair->ends[1]);
    pair->ends[1] = -1;
    check_number("receive", client_tls_receive(&pair->ours, &octet, 1, &got), IO_FAILED);
    check_number("end", client_tls_end(&pair->ours), IO_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_pieces_go_in_one_record),
        TEST(test_full_socket),
        TEST(test_key_update_within_a_record),
        TEST(test_nothing_follows_half_a_record),
        TEST(test_pending),
        TEST(test_part_of_a_record_is_not_pending),
        TEST(test_end_of_ours),
        TEST(test_end_of_theirs),
        TEST(test_end_without_notice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
