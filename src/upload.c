/* upload: the pump from the client to the target. */
#include "upload.h"

#include "rewrite.h"

#define CHUNK_OVERHEAD_BYTES 24u /* size in 16 digits, two CRLF, and some */
#define LAST_CHUNK_BYTES     16u

void upload_begin(struct upload *upload)
{
    const struct http_request *request = upload->request;

    upload->remaining = request->length;
    upload->complete = request->framing == HTTP_FRAMING_NONE ||
                       (request->framing == HTTP_FRAMING_LENGTH && request->length == 0);
    if (request->framing == HTTP_FRAMING_CHUNKED)
        http_chunked_init(&upload->chunked, HTTP_REQUEST,
                          (size_t)upload->route->config->limits.request_head);
}

void upload_begin_again(struct upload *upload, unsigned long long content_bytes)
{
    buffer_add(upload->out, buffer_content(upload->kept));
    upload->complete = true;
    upload->content_bytes = content_bytes;
}

void upload_end(struct upload *upload)
{
    if (upload->trailers.at != NULL)
        buffer_wipe(&upload->trailers); /* the process may serve another client */
    buffer_free(&upload->trailers);
}

/* ---- content with a length: straight into out ---- */

static size_t smaller(unsigned long long a, size_t b)
{
    return a < b ? (size_t)a : b;
}

static void note_length(struct upload *upload, size_t len)
{
    upload->content_bytes += len;
    upload->remaining -= len;
    upload->complete = upload->remaining == 0;
}

static enum upload_result client_result(enum io_result result)
{
    return result == IO_END || result == IO_FAILED ? UPLOAD_CLIENT_GONE : UPLOAD_GOING;
}

static enum upload_result take_length(struct upload *upload)
{
    struct slice received = client_received(upload->client);
    size_t room = buffer_room(upload->out);

    if (received.len > 0) {
        received.len = smaller(upload->remaining, received.len < room ? received.len : room);
        buffer_add(upload->out, received);
        client_take(upload->client, received.len);
        note_length(upload, received.len);
        return UPLOAD_GOING;
    }
    size_t got;
    enum io_result result = client_receive(upload->client, upload->out->at + upload->out->end,
                                           smaller(upload->remaining, room), &got);
    upload->out->end += got;
    upload->received = upload->received || got > 0;
    note_length(upload, got);
    return client_result(result);
}

/* ---- chunked content ---- */

static void add_chunk(struct upload *upload, struct slice data)
{
    buffer_add_hex(upload->out, data.len);
    buffer_add_text(upload->out, "\r\n");
    buffer_add(upload->out, data);
    buffer_add_text(upload->out, "\r\n");
    upload->content_bytes += data.len;
}

static bool keep_trailer(struct upload *upload, struct slice octets)
{
    size_t cap = (size_t)upload->route->config->limits.request_head;

    if (upload->trailers.at == NULL && !buffer_init(&upload->trailers, cap))
        return false;
    buffer_add(&upload->trailers, octets);
    return !upload->trailers.overflowed;
}

static void add_last_chunk(struct upload *upload)
{
    buffer_add_text(upload->out, "0\r\n");
    rewrite_trailers(buffer_content(&upload->trailers), upload->request, upload->route,
                     upload->context, upload->out);
    buffer_add_text(upload->out, "\r\n");
    upload->complete = true;
}

static enum upload_result refuse(struct fault *fault, unsigned status, const char *detail)
{
    fault_set(fault, status, "http_request_error", "%s", detail);
    return UPLOAD_REFUSED;
}

static bool has_room_for_chunks(const struct upload *upload)
{
    return buffer_room(upload->out) >
           CHUNK_OVERHEAD_BYTES + LAST_CHUNK_BYTES + buffer_length(&upload->trailers);
}

/* Takes one part of what has been received. */
static enum upload_result take_chunk_part(struct upload *upload, struct slice received,
                                          struct fault *fault)
{
    size_t taken;
    enum http_chunk_part part = http_chunked_take(&upload->chunked, received, &taken);
    struct slice octets = {received.at, taken};

    client_take(upload->client, taken);
    upload->framed = upload->framed || taken > 0;
    switch (part) {
    case HTTP_CHUNK_DATA:
        add_chunk(upload, octets);
        if (upload->content_bytes > (unsigned long long)upload->route->config->limits.request_body)
            return refuse(fault, 413, "the content is longer than request_body allows");
        return UPLOAD_GOING;
    case HTTP_CHUNK_TRAILER:
        return keep_trailer(upload, octets) ? UPLOAD_GOING
                                            : refuse(fault, 400, "the trailer section is too long");
    case HTTP_CHUNK_END:
        add_last_chunk(upload);
        return UPLOAD_GOING;
    case HTTP_CHUNK_BAD:
        return refuse(fault, 400, upload->chunked.detail);
    default:
        return UPLOAD_GOING;
    }
}

static enum upload_result take_chunks(struct upload *upload, struct fault *fault)
{
    if (client_received(upload->client).len == 0) {
        enum io_result result = client_fill(upload->client);
        upload->received = upload->received || result == IO_OK;
        if (result != IO_OK)
            return client_result(result);
    }
    while (!upload->complete && has_room_for_chunks(upload)) {
        struct slice received = client_received(upload->client);
        size_t room = buffer_room(upload->out) - CHUNK_OVERHEAD_BYTES;
        if (received.len == 0)
            break;
        if (received.len > room)
            received.len = room;
        enum upload_result result = take_chunk_part(upload, received, fault);
        if (result != UPLOAD_GOING)
            return result;
    }
    return UPLOAD_GOING;
}

/* ---- the pump ---- */

/* As long as there is room for all of it. */
static void keep(struct upload *upload, struct slice octets)
{
    upload->keeps = octets.len <= buffer_room(upload->kept);
    if (upload->keeps)
        buffer_add(upload->kept, octets);
}

static enum upload_result take_content(struct upload *upload, struct fault *fault)
{
    size_t before = upload->out->end;
    enum upload_result result = upload->request->framing == HTTP_FRAMING_LENGTH
                                    ? take_length(upload)
                                    : take_chunks(upload, fault);

    if (upload->keeps)
        keep(upload, (struct slice){upload->out->at + before, upload->out->end - before});
    return result;
}

static void send_out(struct upload *upload)
{
    size_t moved;

    while (buffer_length(upload->out) > 0) {
        enum io_result result =
            upstream_send(upload->upstream, buffer_content(upload->out), &moved);
        if (result == IO_AGAIN) {
            upload->blocked = true;
            return;
        }
        if (result != IO_OK) {
            upload->stopped = true;
            return;
        }
        upload->sent = true;
        buffer_consume(upload->out, moved);
    }
}

/* Content that came along with the head goes out with it, in one write; a first look at the
 * client's socket is left for later, so that the head does not wait for it. */
static bool may_take(const struct upload *upload)
{
    if (upload->complete || upload->stopped)
        return false;
    if (buffer_length(upload->out) == 0)
        return true;
    return client_received(upload->client).len > 0 && has_room_for_chunks(upload);
}

/* For when the target may be asked anew: it does not get this now. */
static enum upload_result keep_only(struct upload *upload, struct fault *fault)
{
    enum upload_result result = take_content(upload, fault);

    buffer_clear(upload->out);
    if (result != UPLOAD_CLIENT_GONE || !upload->client->ended)
        return result;
    upload->keeps = false;
    return UPLOAD_GOING;
}

static enum upload_result discard(struct upload *upload, struct fault *fault)
{
    size_t got;

    if (!upload_discards(upload))
        return UPLOAD_GOING;
    buffer_clear(upload->out);
    if (upload->keeps)
        return keep_only(upload, fault);
    enum io_result result = client_receive(upload->client, upload->out->at, upload->out->cap, &got);
    upload->received = got > 0;
    return result == IO_FAILED ? UPLOAD_CLIENT_GONE : UPLOAD_GOING;
}

enum upload_result upload_step(struct upload *upload, struct fault *fault)
{
    enum upload_result result = UPLOAD_GOING;

    upload->sent = upload->received = upload->blocked = false;
    if (upload->stopped)
        return discard(upload, fault);
    if (may_take(upload))
        result = take_content(upload, fault);
    if (result == UPLOAD_GOING)
        send_out(upload);
    return result;
}

void upload_stop(struct upload *upload)
{
    if (!upload_is_sent(upload))
        upload->stopped = true;
}

bool upload_discards(const struct upload *upload)
{
    return upload->stopped && !upload->complete && !upload->client->ended;
}

bool upload_has_begun(const struct upload *upload)
{
    return upload->complete || upload->framed || upload->content_bytes > 0;
}

bool upload_wants_client(const struct upload *upload)
{
    return !upload->complete && !upload->stopped && !upload->blocked;
}

bool upload_is_sent(const struct upload *upload)
{
    return upload->complete && !upload->stopped && buffer_length(upload->out) == 0;
}
