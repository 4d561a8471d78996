/* tls_peer: the beginning of a connection to a listener with TLS. */
#include "tls_peer.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <sys/socket.h>

#include "answer.h"
#include "clock.h"
#include "log.h"
#include "scoreboard.h"

#define DRAIN_HANDSHAKE_MS 3000 /* as for a first request that is still on its way */
#define ANSWER_MS          2000 /* for a client that speaks plain HTTP to take its answer */

enum first_octet {
    FIRST_OF_TLS, /* or of anything that TLS has an alert for */
    FIRST_OF_HTTP,
    FIRST_MISSING, /* the client left, as one does that only looks whether we listen */
    FIRST_LATE,
};

/* false when the deadline has passed; a drain makes it an earlier one. */
static bool wait_for_client(const struct client *client, short events, long long *deadline)
{
    struct pollfd socket = {.fd = client->fd, .events = events};
    int ready = wait_ready(&socket, 1, *deadline);
    long long soon = clock_now_ms() + DRAIN_HANDSHAKE_MS;

    if (ready < 0 && soon < *deadline)
        *deadline = soon;
    return ready != 0;
}

/* A method begins with a letter, and so does no record of TLS. */
static bool is_letter(char octet)
{
    return (octet >= 'A' && octet <= 'Z') || (octet >= 'a' && octet <= 'z');
}

static enum first_octet look_at_first(struct client *client, long long *deadline)
{
    char octet = 0;
    ssize_t len;

    do {
        len = recv(client->fd, &octet, 1, MSG_PEEK | MSG_DONTWAIT);
        if (len < 0 && errno == EAGAIN && !wait_for_client(client, POLLIN, deadline))
            return FIRST_LATE;
    } while (len < 0 && (errno == EAGAIN || errno == EINTR));
    if (len <= 0)
        return FIRST_MISSING;
    return is_letter(octet) ? FIRST_OF_HTTP : FIRST_OF_TLS;
}

static void answer_plainly(struct client *client)
{
    char space[2 * ANSWER_BYTES_MAX];
    struct buffer answer = {.at = space, .cap = sizeof space};
    struct fault fault;

    fault_set(&fault, 400, "http_request_error",
              "this port speaks TLS: use https:// in the URL, or another port of the bridge");
    answer_fault(&fault, false, true, false, &answer);
    client_send_all(client, buffer_content(&answer), clock_now_ms() + ANSWER_MS);
}

/* Why the handshake failed, of what OpenSSL says: nothing of it is the client's own words. */
static const char *reason_of(const struct client *client)
{
    long verified = SSL_get_verify_result(client->tls.ssl);
    unsigned long error = ERR_peek_error();
    const char *reason = ERR_reason_error_string(error);

    if (ERR_GET_REASON(error) == SSL_R_CERTIFICATE_VERIFY_FAILED && verified != X509_V_OK)
        return X509_verify_cert_error_string(verified);
    return reason != NULL ? reason : "the connection broke";
}

/* NULL, or why it failed. */
static const char *shake_hands(struct client *client, long long deadline)
{
    enum io_result result;

    while ((result = client_tls_shake_hands(&client->tls)) == IO_AGAIN)
        if (!wait_for_client(client, client->tls.receive_event, &deadline))
            return "it did not come to an end in time (request_head)";
    if (result == IO_OK)
        return NULL;
    return result == IO_END ? "the client ended the connection" : reason_of(client);
}

static bool fail(const struct client *client, const struct listen_tls *listen, const char *why)
{
    scoreboard_note_handshake(SCOREBOARD_HANDSHAKE_FAILED);
    log_warning_limited(listen_tls_logged_ms(listen), "TLS handshake with %s failed: %s",
                        client->name, why);
    return false;
}

bool tls_peer_introduce(struct client *client, const struct listen_tls *listen, long long deadline)
{
    switch (look_at_first(client, &deadline)) {
    case FIRST_MISSING:
        log_debug("connection of %s closed: it ended without a word of TLS", client->name);
        return false;
    case FIRST_LATE:
        return fail(client, listen, "nothing came in time (request_head)");
    case FIRST_OF_HTTP:
        answer_plainly(client);
        return fail(client, listen, "it speaks plain HTTP");
    case FIRST_OF_TLS:
        break;
    }
    if (!client_tls_init(&client->tls, listen_tls_context(listen), client->fd))
        return fail(client, listen, "out of memory");
    const char *why = shake_hands(client, deadline);
    if (why != NULL) {
        client->tls.broken = true; /* no close_notify can follow */
        return fail(client, listen, why);
    }
    scoreboard_note_handshake(SSL_session_reused(client->tls.ssl) == 1
                                  ? SCOREBOARD_HANDSHAKE_RESUMED
                                  : SCOREBOARD_HANDSHAKE_FULL);
    return true;
}
