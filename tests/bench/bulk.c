/* bulk: one large download or upload, timed.
 *
 * usage: bulk PORT download|upload|chunked PATH BYTES [FIELD]...
 *
 * An upload is answered with the number of octets that arrived. The result goes to standard output
 * as JSON; anything but the whole transfer and the right answer counts as an error. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "loopback.h"
#include "response.h"

#define PIECE_BYTES      ((size_t)256 * 1024)
#define CHUNK_FRAME      32 /* octets, enough for a chunk's head or end */
#define PATIENCE_SECONDS 20
#define FIELDS_MAX       16
#define SOURCE           2

enum direction { DOWNLOAD, UPLOAD_LENGTH, UPLOAD_CHUNKED };

struct transfer {
    enum direction direction;
    unsigned long long bytes;
    char head[REQUEST_BYTES_MAX];
    size_t head_len;
};

static enum direction direction_of(const char *name)
{
    if (strcmp(name, "download") == 0)
        return DOWNLOAD;
    return strcmp(name, "chunked") == 0 ? UPLOAD_CHUNKED : UPLOAD_LENGTH;
}

static void make_head(struct transfer *transfer, const char *path, char **fields, int count)
{
    char framing[64] = "Transfer-Encoding: chunked";
    char *all[FIELDS_MAX];
    const char *method = transfer->direction == DOWNLOAD ? "GET" : "PUT";

    if (count >= FIELDS_MAX)
        count = FIELDS_MAX - 1;
    for (int i = 0; i < count; i++)
        all[i] = fields[i];
    if (transfer->direction == UPLOAD_LENGTH)
        snprintf(framing, sizeof framing, "Content-Length: %llu", transfer->bytes);
    if (transfer->direction != DOWNLOAD)
        all[count++] = framing;
    transfer->head_len = request_write(transfer->head, method, path, all, count);
}

/* A piece with room before it for a chunk's head, and behind it for the chunk's end: each goes out
 * in one call. */
static bool send_chunk(int fd, char *piece, size_t len)
{
    static const char end[] = {'\r', '\n'};
    char head[CHUNK_FRAME];
    size_t head_len = (size_t)snprintf(head, sizeof head, "%zx\r\n", len);

    memcpy(piece - head_len, head, head_len);
    memcpy(piece + len, end, sizeof end);
    return loopback_send(fd, piece - head_len, head_len + len + sizeof end);
}

static bool send_content(int fd, const struct transfer *transfer)
{
    static char space[CHUNK_FRAME + PIECE_BYTES + CHUNK_FRAME];
    char *piece = space + CHUNK_FRAME;
    bool is_chunked = transfer->direction == UPLOAD_CHUNKED;

    for (unsigned long long left = transfer->bytes; left > 0;) {
        size_t len = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;
        if (!(is_chunked ? send_chunk(fd, piece, len) : loopback_send(fd, piece, len)))
            return false;
        left -= len;
    }
    return !is_chunked || loopback_send(fd, "0\r\n\r\n", 5);
}

static bool run(int fd, const struct transfer *transfer)
{
    static char space[PIECE_BYTES];
    struct response response;

    if (!loopback_send(fd, transfer->head, transfer->head_len))
        return false;
    if (transfer->direction != DOWNLOAD && !send_content(fd, transfer))
        return false;
    if (!response_read(fd, space, sizeof space, &response))
        return false;
    if (transfer->direction == DOWNLOAD)
        return response.length == transfer->bytes;
    return strtoull(response.content, NULL, 10) == transfer->bytes;
}

int main(int argc, char **argv)
{
    static struct transfer transfer;
    const struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
    struct timespec began, ended;

    if (argc < 5) {
        fprintf(stderr, "usage: bulk PORT download|upload|chunked PATH BYTES [FIELD]...\n");
        return 64;
    }
    transfer.direction = direction_of(argv[2]);
    transfer.bytes = loopback_number(argv[4], 1ull << 40);
    make_head(&transfer, argv[3], argv + 5, argc - 5);
    clock_gettime(CLOCK_MONOTONIC, &began);
    int fd = loopback_connect(loopback_port(argv[1]), SOURCE);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0)
        loopback_fail("connect");
    bool right = run(fd, &transfer);
    clock_gettime(CLOCK_MONOTONIC, &ended);
    close(fd);
    double seconds =
        (double)(ended.tv_sec - began.tv_sec) + (double)(ended.tv_nsec - began.tv_nsec) / 1e9;
    printf("{\"bytes\": %llu, \"errors\": %d, \"seconds\": %.6f}\n", transfer.bytes, !right,
           seconds);
    return 0;
}
