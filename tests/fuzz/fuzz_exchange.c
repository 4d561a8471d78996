/* fuzz_exchange: whole exchanges on one connection. The input is what the client sends, what the
 * target sends on each connection, and how much each move of the upstream's may take, with a
 * separating line between them; the sockets are pairs, and upstream is this file's instead of
 * libcurl's. What reaches the target must be messages that the strict parser
 * accepts, in front of at most one that is incomplete. */
#include "fuzz.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "exchange.h"
#include "http_field.h"
#include "log.h"

#define SEPARATOR    "\n====\n"
#define SENT_MAX     (1u << 20)
#define EXCHANGE_MAX 64

static struct slice target_octets; /* what each connection to the target gives */
static struct slice moves;         /* for each send, receive and end one octet; then all may go */
static char sent[SENT_MAX];        /* what the present connection to the target took */
static size_t sent_len;
static int target_end = -1;

/* ---- upstream, on a socket pair ---- */

static void check_sent(void);

#define MOVE_FAILS 255u
#define MOVE_UNIT  16u

/* How far the next move gets with len octets: none of them, a part, or all. */
static enum io_result next_move(size_t *len)
{
    if (moves.len == 0)
        return IO_OK;
    unsigned move = (unsigned char)moves.at[0];
    moves.at++;
    moves.len--;
    if (move == MOVE_FAILS)
        return IO_FAILED;
    if (*len > move * MOVE_UNIT)
        *len = move * MOVE_UNIT;
    return *len > 0 ? IO_OK : IO_AGAIN;
}

bool upstream_init_process(bool has_tls)
{
    (void)has_tls;
    return true;
}

bool upstream_init(struct upstream *upstream, const struct config_route *route,
                   const struct trust *trust)
{
    *upstream = (struct upstream){.config = route->config,
                                  .target = route->target,
                                  .trust = trust,
                                  .is_ready = true,
                                  .fd = -1};
    return true;
}

void upstream_free(struct upstream *upstream)
{
    upstream_drop(upstream);
}

enum upstream_outcome upstream_connect(struct upstream *upstream, int client_fd,
                                       struct fault *fault)
{
    int pair[2];

    (void)client_fd, (void)fault;
    MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0);
    if (target_octets.len > 0)
        (void)!send(pair[1], target_octets.at, target_octets.len, MSG_NOSIGNAL);
    shutdown(pair[1], SHUT_WR);
    upstream->fd = pair[0];
    target_end = pair[1];
    upstream->reused = false;
    sent_len = 0;
    return UPSTREAM_CONNECTED;
}

void upstream_drop(struct upstream *upstream)
{
    if (upstream->fd < 0)
        return;
    check_sent();
    close(upstream->fd);
    close(target_end);
    upstream->fd = -1;
}

void upstream_abort(struct upstream *upstream)
{
    upstream_drop(upstream);
}

bool upstream_has_moved(const struct upstream *upstream)
{
    (void)upstream;
    return false;
}

bool upstream_check_idle(struct upstream *upstream)
{
    return upstream->fd >= 0;
}

enum io_result upstream_receive(struct upstream *upstream, char *at, size_t cap, size_t *moved)
{
    enum io_result result = next_move(&cap);

    *moved = 0;
    if (result != IO_OK)
        return result;
    ssize_t len = recv(upstream->fd, at, cap, MSG_DONTWAIT);
    *moved = len > 0 ? (size_t)len : 0;
    if (len < 0)
        return errno == EAGAIN ? IO_AGAIN : IO_FAILED;
    return len > 0 ? IO_OK : IO_END;
}

enum io_result upstream_send(struct upstream *upstream, struct slice octets, size_t *moved)
{
    enum io_result result = next_move(&octets.len);

    (void)upstream;
    *moved = 0;
    if (result != IO_OK)
        return result;
    *moved = octets.len;
    MUST(sent_len + octets.len <= SENT_MAX);
    memcpy(sent + sent_len, octets.at, octets.len);
    sent_len += octets.len;
    return IO_OK;
}

enum io_result upstream_end_sending(struct upstream *upstream)
{
    size_t octets = 1;

    (void)upstream;
    return next_move(&octets);
}

/* ---- what the target took ---- */

static bool skip_chunked(struct slice *left)
{
    struct http_chunked chunked;
    enum http_chunk_part part;
    size_t taken;

    http_chunked_init(&chunked, HTTP_REQUEST, 64 * 1024);
    do {
        part = http_chunked_take(&chunked, *left, &taken);
        MUST(part != HTTP_CHUNK_BAD);
        left->at += taken;
        left->len -= taken;
    } while (part != HTTP_CHUNK_END && part != HTTP_CHUNK_MORE);
    return part == HTTP_CHUNK_END;
}

/* One message. false when it is incomplete, or what follows is a tunnel's. */
static bool skip_message(struct slice *left)
{
    const struct http_limits limits = {1 << 20, 1 << 20, 1 << 20};
    struct http_head head;
    struct http_request request;
    struct http_fault fault;

    http_head_init(&head, HTTP_REQUEST, limits);
    enum http_progress progress = http_head_parse(&head, left->at, left->len);
    MUST(progress != HTTP_BAD);
    if (progress == HTTP_PARTIAL)
        return false;
    MUST(http_request_read(&head, &request, &fault));
    MUST(slice_equals(request.authority, slice_of("target.example")));
    left->at += head.length;
    left->len -= head.length;
    if (request.upgrades)
        return false;
    if (request.framing == HTTP_FRAMING_CHUNKED)
        return skip_chunked(left);
    if (request.framing != HTTP_FRAMING_LENGTH)
        return true;
    size_t len = request.length < left->len ? (size_t)request.length : left->len;
    left->at += len;
    left->len -= len;
    return len == request.length;
}

static void check_sent(void)
{
    struct slice left = {sent, sent_len};

    while (left.len > 0 && skip_message(&left))
        ;
}

/* ---- one input ---- */

static void serve(int fd)
{
    static struct client client;
    static struct relay_buffers buffers;
    const struct trust trust = {0};
    struct upstreams upstreams;
    struct address address;
    struct exchange_context context = {
        .config = fuzz_config(),
        .client = &client,
        .upstreams = &upstreams,
        .buffers = &buffers,
        .allowed = true,
        .is_first = true,
        .began_ms = clock_now_ms(),
    };

    MUST(upstreams_init(&upstreams, fuzz_config(), &trust));
    MUST(address_parse("127.0.0.1:1", &address));
    MUST(client_init(&client, (size_t)fuzz_config()->limits.request_head));
    client_take_over(&client, fd, &address);
    MUST(relay_buffers_init(&buffers, fuzz_config()));
    for (int i = 0; i < EXCHANGE_MAX && exchange_serve(&context) == EXCHANGE_KEEP; i++)
        ;
    upstreams_drop(&upstreams, true);
    free(upstreams.items);
    free(upstreams.used);
    buffer_free(&client.in);
    buffer_free(&buffers.up);
    buffer_free(&buffers.down);
    buffer_free(&buffers.out);
}

/* Takes what stands in front of the next separator, or all. */
static struct slice take_part(struct slice *input)
{
    struct slice part = *input;
    const char *end = part.len > 0 ? memmem(part.at, part.len, SEPARATOR, strlen(SEPARATOR)) : NULL;

    *input = (struct slice){NULL, 0};
    if (end == NULL)
        return part;
    size_t len = (size_t)(end - part.at);
    size_t taken = len + strlen(SEPARATOR);
    *input = (struct slice){part.at + taken, part.len - taken};
    return (struct slice){part.at, len};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = {(const char *)data, size};
    static bool ready;
    int pair[2];

    if (!ready) {
        wait_init();
        log_set_level(fuzz_config()->log_level);
    }
    ready = true;
    struct slice client_octets = take_part(&input);
    target_octets = take_part(&input);
    moves = input;
    MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0);
    if (client_octets.len > 0)
        (void)!send(pair[1], client_octets.at, client_octets.len, MSG_NOSIGNAL);
    shutdown(pair[1], SHUT_WR);
    serve(pair[0]);
    close(pair[0]);
    close(pair[1]);
    return 0;
}
