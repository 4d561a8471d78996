/* download: the pump from the target to the client. */
#include "download.h"

#include <stdlib.h>

#include "guard.h"
#include "rewrite.h"

static const struct http_limits response_limits = {
    .head_bytes = HTTP_RESPONSE_BYTES_MAX,
    .fields = DOWNLOAD_FIELDS_MAX,
};

void download_begin(struct download *download)
{
    buffer_clear(download->in);
    buffer_clear(download->out);
    http_head_init(&download->head, HTTP_RESPONSE, response_limits);
    if (download->route->guard != NULL) {
        download->screen.reflect = guard_texts(download->route->guard);
        download->screen.blocks = download->route->reflect_guard == GUARD_BLOCK;
    }
}

/* What has been received and not been looked at. */
static struct slice unseen(const struct download *download)
{
    struct slice content = buffer_content(download->in);
    size_t seen = download->valid + (download->unchunk ? 0 : download->held);

    return (struct slice){content.at + seen, content.len - seen};
}

/* ---- heads ---- */

static enum download_result broken(const struct download *download, struct fault *fault,
                                   const char *type, const char *detail)
{
    fault_set(fault, 502, type, "target %s: %s", download->route->target->name, detail);
    return DOWNLOAD_BROKEN;
}

static bool is_screened(const struct download *download)
{
    return download->screen.reflect != NULL;
}

/* A secret that is not to be passed on: an answer of ours takes the response's place if nothing of
 * that has been sent, else it ends here. */
static enum download_result stop_at_secret(struct download *download, struct fault *fault)
{
    if (download->unchunk)
        download->out->end -= download->held;
    download->held = 0;
    download->stopped = true;
    broken(download, fault, "proxy_internal_response",
           "a secret of the bridge stands in its response (reflect_guard)");
    if (download->passed) {
        download->state = DOWNLOAD_CUT;
        return DOWNLOAD_GOING;
    }
    if (download->begun)
        client_guard(download->client, false);
    download->begun = false;
    download->content_bytes = 0;
    return DOWNLOAD_BROKEN;
}

static bool add_head(struct download *download)
{
    return rewrite_response(&download->response, download->request, download->route,
                            download->context, download->keep_client ? REWRITE_KEEP : REWRITE_CLOSE,
                            download->out);
}

static enum download_result take_interim(struct download *download, struct fault *fault)
{
    if (++download->interims > DOWNLOAD_INTERIM_MAX)
        return broken(download, fault, "http_protocol_error", "too many interim responses");
    if (download->request->minor > 0 && !add_head(download))
        return broken(download, fault, "http_response_header_section_size",
                      "the interim responses are too long");
    download->continued = download->continued || download->response.status == 100;
    buffer_consume(download->in, download->head.length);
    http_head_init(&download->head, HTTP_RESPONSE, response_limits);
    return DOWNLOAD_GOING;
}

static void begin_content(struct download *download)
{
    const struct http_response *response = &download->response;

    download->state = DOWNLOAD_CONTENT;
    download->remaining = response->length;
    if (response->framing == HTTP_FRAMING_CHUNKED)
        http_chunked_init(&download->chunked, HTTP_RESPONSE, HTTP_RESPONSE_BYTES_MAX);
    if (is_screened(download))
        screen_begin(&download->screen,
                     response->framing == HTTP_FRAMING_CHUNKED && !download->unchunk
                         ? &download->chunked
                         : NULL);
    if (response->is_upgrade)
        download->state = DOWNLOAD_SWITCHED;
    else if (response->framing == HTTP_FRAMING_NONE ||
             (response->framing == HTTP_FRAMING_LENGTH && response->length == 0))
        download->state = DOWNLOAD_WHOLE;
}

static enum download_result take_final(struct download *download, struct fault *fault)
{
    const struct http_response *response = &download->response;
    const struct http_request *request = download->request;

    download->refused = download->holds && response->status == 401;
    if (download->refused)
        return DOWNLOAD_GOING;
    if (response->is_upgrade && !download->request_is_sent)
        return broken(download, fault, "http_upgrade_failed",
                      "101 before the request was complete");
    if (is_screened(download) && http_response_is_encoded(response))
        return broken(download, fault, "http_response_content_coding",
                      "what it answers is compressed: reflect_guard cannot look into it");
    download->unchunk = request->minor == 0 && response->framing == HTTP_FRAMING_CHUNKED;
    download->keep_client = request->keep_alive && download->request_is_sent &&
                            response->framing != HTTP_FRAMING_CLOSE && !download->unchunk &&
                            !wait_is_draining();
    bool fits = add_head(download);
    if (download->unchunk) /* what has come behind the head is copied there too */
        fits = fits && buffer_room(download->out) >= buffer_length(download->in);
    if (!fits)
        return broken(download, fault, "http_response_header_section_size",
                      "the response head is too long");
    download->begun = true;
    if (download_ends_by_close(download))
        client_guard(download->client, true);
    buffer_consume(download->in, download->head.length);
    begin_content(download);
    return DOWNLOAD_GOING;
}

static enum download_result take_head(struct download *download, struct fault *fault)
{
    struct http_fault head_fault;
    struct slice content = buffer_content(download->in);

    switch (http_head_parse(&download->head, content.at, content.len)) {
    case HTTP_PARTIAL:
        return DOWNLOAD_GOING;
    case HTTP_BAD:
        return broken(download, fault,
                      download->head.is_too_large ? "http_response_header_section_size"
                                                  : "http_protocol_error",
                      download->head.fault.detail);
    case HTTP_COMPLETE:
        break;
    }
    if (!http_response_read(&download->head, download->request, &download->response, &head_fault))
        return broken(download, fault,
                      download->head.status == 101 ? "http_upgrade_failed" : "http_protocol_error",
                      head_fault.detail);
    if (is_screened(download) &&
        !screen_head(&download->screen, download->in->at + download->in->start,
                     download->head.length))
        return stop_at_secret(download, fault);
    return download->response.is_interim ? take_interim(download, fault)
                                         : take_final(download, fault);
}

/* ---- content ---- */

/* What is held back, in the buffer that it goes out from. */
static char *held_octets(const struct download *download)
{
    if (download->unchunk)
        return download->out->at + download->out->end - download->held;
    return download->in->at + download->in->start + download->valid;
}

/* Holds validated octets back that stand behind those held already. false at a secret. */
static bool hold(struct download *download, enum http_chunk_part part, size_t len)
{
    download->held += len;
    return screen_look(&download->screen, part, held_octets(download), download->held, len);
}

/* Lets go on what can be no part of a secret: all of it, once the content is over. */
static enum download_result release(struct download *download, struct fault *fault)
{
    size_t released = download->held;

    /* Behind a response that broke off, what may begin a secret stays here. */
    if (download->held == 0 || download->state == DOWNLOAD_CUT)
        return DOWNLOAD_GOING;
    if (download->state == DOWNLOAD_CONTENT &&
        !screen_release(&download->screen, &download->chunked, held_octets(download),
                        download->held, &released))
        return stop_at_secret(download, fault);
    download->held -= released;
    if (!download->unchunk)
        download->valid += released;
    return DOWNLOAD_GOING;
}

/* Marks validated octets of in to be passed on. */
static enum download_result pass_on(struct download *download, enum http_chunk_part part,
                                    size_t len, struct fault *fault)
{
    if (!is_screened(download))
        download->valid += len;
    else if (!hold(download, part, len))
        return stop_at_secret(download, fault);
    return DOWNLOAD_GOING;
}

static enum download_result take_length(struct download *download, struct fault *fault)
{
    struct slice more = unseen(download);

    if (more.len > download->remaining)
        more.len = (size_t)download->remaining;
    download->remaining -= more.len;
    download->content_bytes += more.len;
    enum download_result result = pass_on(download, HTTP_CHUNK_DATA, more.len, fault);
    if (download->remaining == 0 && download->state == DOWNLOAD_CONTENT)
        download->state = DOWNLOAD_WHOLE;
    return result;
}

static enum download_result take_until_close(struct download *download, struct fault *fault)
{
    size_t len = unseen(download).len;

    download->content_bytes += len;
    return pass_on(download, HTTP_CHUNK_DATA, len, fault);
}

/* Copies content out, for a client to which it is decoded. */
static enum download_result decode_chunk_part(struct download *download, enum http_chunk_part part,
                                              struct slice octets, struct fault *fault)
{
    if (part == HTTP_CHUNK_DATA)
        buffer_add(download->out, octets);
    buffer_consume(download->in, octets.len);
    if (download->out->overflowed)
        abort(); /* out holds what in does: its owner made it too small */
    if (is_screened(download) && part == HTTP_CHUNK_DATA && !hold(download, part, octets.len))
        return stop_at_secret(download, fault);
    return DOWNLOAD_GOING;
}

static enum download_result take_chunks(struct download *download, struct fault *fault)
{
    enum download_result result = DOWNLOAD_GOING;

    while (result == DOWNLOAD_GOING && download->state == DOWNLOAD_CONTENT) {
        struct slice more = unseen(download);
        size_t taken;
        enum http_chunk_part part = http_chunked_take(&download->chunked, more, &taken);
        if (part == HTTP_CHUNK_MORE)
            break;
        if (part == HTTP_CHUNK_BAD) {
            fault_set(fault, 502, "http_response_transfer_coding", "target %s: %s",
                      download->route->target->name, download->chunked.detail);
            download->state = DOWNLOAD_CUT;
            break;
        }
        if (part == HTTP_CHUNK_DATA)
            download->content_bytes += taken;
        result = download->unchunk
                     ? decode_chunk_part(download, part, (struct slice){more.at, taken}, fault)
                     : pass_on(download, part, taken, fault);
        if (part == HTTP_CHUNK_END && download->state == DOWNLOAD_CONTENT)
            download->state = DOWNLOAD_WHOLE;
    }
    return result;
}

static enum download_result take_content(struct download *download, struct fault *fault)
{
    switch (download->response.framing) {
    case HTTP_FRAMING_LENGTH:
        return take_length(download, fault);
    case HTTP_FRAMING_CHUNKED:
        return take_chunks(download, fault);
    case HTTP_FRAMING_CLOSE:
        return take_until_close(download, fault);
    case HTTP_FRAMING_NONE:
        break;
    }
    return DOWNLOAD_GOING;
}

/* Looks at all that has been received. */
static enum download_result take_received(struct download *download, struct fault *fault)
{
    enum download_result result = DOWNLOAD_GOING;
    unsigned interims;

    do {
        interims = download->interims;
        if (download->state == DOWNLOAD_HEAD && buffer_length(download->in) > 0)
            result = take_head(download, fault);
    } while (result == DOWNLOAD_GOING && download->interims != interims);
    if (result == DOWNLOAD_GOING && download->state == DOWNLOAD_CONTENT)
        result = take_content(download, fault);
    if (result == DOWNLOAD_GOING)
        result = release(download, fault);
    if (download->state == DOWNLOAD_WHOLE && unseen(download).len > 0)
        download->surplus = true;
    return result;
}

/* ---- the two sockets ---- */

static enum download_result take_end(struct download *download, bool failed, struct fault *fault)
{
    if (download->state == DOWNLOAD_HEAD) {
        if (!download->any)
            return DOWNLOAD_EMPTY;
        return broken(download, fault, "http_response_incomplete",
                      "the connection ended within the response head");
    }
    bool whole = download->response.framing == HTTP_FRAMING_CLOSE && !failed;
    download->state = whole ? DOWNLOAD_WHOLE : DOWNLOAD_CUT;
    return release(download, fault);
}

static enum download_result receive(struct download *download, struct fault *fault)
{
    size_t got;

    buffer_compact(download->in);
    enum io_result result = upstream_receive(
        download->upstream, download->in->at + download->in->end, buffer_room(download->in), &got);
    if (result == IO_AGAIN)
        return DOWNLOAD_GOING;
    if (result != IO_OK)
        return take_end(download, result == IO_FAILED, fault);
    download->in->end += got;
    download->any = true;
    download->received = true;
    return take_received(download, fault);
}

/* What is rewritten or decoded, and not held back. */
static struct slice sendable(const struct download *download)
{
    struct slice content = buffer_content(download->out);

    if (download->unchunk)
        content.len -= download->held;
    return content;
}

/* Sends what is rewritten or decoded, then what is validated, in one write. */
static enum download_result send_on(struct download *download)
{
    while (sendable(download).len + download->valid > 0) {
        struct slice first = sendable(download);
        struct slice second = buffer_content(download->in);
        struct iovec pieces[] = {{(char *)first.at, first.len},
                                 {(char *)second.at, download->valid}};
        int skip = first.len == 0;
        size_t sent;
        enum io_result result =
            client_send(download->client, pieces + skip, 2 - skip - (download->valid == 0), &sent);
        if (result == IO_AGAIN) {
            download->blocked = true;
            return DOWNLOAD_GOING;
        }
        if (result != IO_OK)
            return DOWNLOAD_CLIENT_GONE;
        download->sent = true;
        download->passed = download->begun;
        size_t of_first = sent < first.len ? sent : first.len;
        buffer_consume(download->out, of_first);
        buffer_consume(download->in, sent - of_first);
        download->valid -= sent - of_first;
    }
    return DOWNLOAD_GOING;
}

void download_release(struct download *download)
{
    download->holds = download->refused = false;
    download->released = true;
}

/* Looks again at what was held. */
static enum download_result take_released(struct download *download, struct fault *fault)
{
    download->released = false;
    http_head_init(&download->head, HTTP_RESPONSE, response_limits);
    return take_received(download, fault);
}

static bool is_over(const struct download *download)
{
    return download->state != DOWNLOAD_HEAD && download->state != DOWNLOAD_CONTENT;
}

enum download_result download_step(struct download *download, bool readable, struct fault *fault)
{
    enum download_result result;

    download->sent = download->received = download->blocked = false;
    result = send_on(download);
    if (result == DOWNLOAD_GOING && download->released)
        result = take_released(download, fault);
    else if (result == DOWNLOAD_GOING && !download->blocked && !is_over(download) &&
             !download->refused && readable)
        result = receive(download, fault);
    if (result == DOWNLOAD_GOING && !download->blocked)
        result = send_on(download);
    if (result == DOWNLOAD_GOING && is_over(download) && !download->blocked)
        return DOWNLOAD_DONE;
    return result;
}

bool download_wants_upstream(const struct download *download)
{
    return !is_over(download) && !download->blocked && !download->refused;
}

bool download_ends_by_close(const struct download *download)
{
    return download->unchunk || download->response.framing == HTTP_FRAMING_CLOSE;
}
