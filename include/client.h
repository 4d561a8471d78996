/* client: the client's socket, with TLS on it or without: reading, writing, and closing so that
 * nothing is lost. */
#ifndef AUTHBRIDGE_CLIENT_H
#define AUTHBRIDGE_CLIENT_H

#include <stdbool.h>
#include <sys/uio.h>

#include "address.h"
#include "buffer.h"
#include "client_tls.h"
#include "wait.h"

#define CLIENT_CONTENT_BYTES ((size_t)64 * 1024) /* room for content behind a head */
#define CLIENT_LINGER_MS     2000                /* of silence that end a staged close */
#define CLIENT_LINGER_MAX_MS 30000               /* how long it reads on from a client that sends */

/* A client that ended its direction may be gone, or may be reading still: TCP does not tell. It
 * is served as long as it is not kept waiting longer than this. */
#define CLIENT_HALF_CLOSED_MS 50

struct client {
    int fd;
    struct client_tls tls;
    struct address address;
    char name[ADDRESS_TEXT_BYTES]; /* with the port, for the log */
    char host[ADDRESS_TEXT_BYTES]; /* without, for ${client_ip} */
    struct buffer in;              /* received and not taken yet */
    size_t floor;                  /* in.at[0..floor) is a head that must stay where it is */
    bool ended;                    /* the client has closed its direction */
};

/* Makes room for heads of that size, and for content behind them. false when memory is short. */
bool client_init(struct client *client, size_t head_bytes);

/* Takes over a connected, non-blocking socket. */
void client_take_over(struct client *client, int fd, const struct address *address);

/* Wipes what has been received. */
void client_wipe(struct client *client);

/* Whose connection it is from here on: where somebody else connected for the client. */
void client_set_address(struct client *client, const struct address *address);

/* What has been received and not taken. */
struct slice client_received(const struct client *client);

/* Takes len received octets. */
void client_take(struct client *client, size_t len);

/* Moves what is received to the front, before a new head is read; unpins the one before. */
void client_begin(struct client *client);

/* Takes the head's len octets, which stay in place until client_begin. */
void client_pin(struct client *client, size_t len);

/* Whether a receive may find something though poll(2) on the socket does not show it: TLS decrypts
 * whole records. To be asked before each wait for the client's octets. */
static inline bool client_has_pending(const struct client *client)
{
    return client->tls.ssl != NULL && client_tls_has_pending(&client->tls);
}

/* What to wait for on the socket in order to receive (POLLIN) or send (POLLOUT): TLS may have to
 * send before it can receive, and the other way round. */
static inline short client_poll_events(const struct client *client, short events)
{
    return client->tls.ssl == NULL ? events : client_tls_poll_events(&client->tls, events);
}

/* At most how many octets have come that were not received yet. */
size_t client_unread_max(const struct client *client);

/* Receives more behind what is there. IO_AGAIN also when there is no room. */
enum io_result client_fill(struct client *client);

/* Receives at most cap octets into at. */
enum io_result client_receive(struct client *client, char *at, size_t cap, size_t *got);

/* Sends from count pieces; *sent is how many octets went. After IO_AGAIN the same octets must be
 * given again, perhaps with more behind them, before any others. */
enum io_result client_send(struct client *client, const struct iovec *pieces, int count,
                           size_t *sent);

/* Sends all of it, waiting until the deadline at most. false when that was not possible. */
bool client_send_all(struct client *client, struct slice octets, long long deadline);

/* Whether octets that were not counted as sent have left in part: nothing but them may be sent. */
static inline bool client_owes(const struct client *client)
{
    return client->tls.owed > 0;
}

/* Ends our direction, so that the client sees a proper end. IO_AGAIN: not yet, wait as for a
 * send. */
enum io_result client_end_sending(struct client *client);

/* Closes in stages (RFC 9112 9.6): ends our direction, reads on until the client falls silent, and
 * for as long as it takes what was sent (patience_ms at most between two octets), then closes: so
 * that no reset erases the answer. */
void client_close_staged(struct client *client, long long patience_ms);

/* From here on, or not any more, an end of this process that is not a proper close resets the
 * connection: for content whose end is the connection's end. */
void client_guard(struct client *client, bool on);

/* Resets the connection at once: what is unsent is lost. */
void client_abort(struct client *client);

/* Lets what was sent arrive, without a proper end, as long as the client takes it (patience_ms at
 * most between two octets), then resets the connection, so that the client cannot take the end for
 * a complete response. */
void client_reset(struct client *client, long long patience_ms);

#endif
