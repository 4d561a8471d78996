/* Tests of screen: what is masked, what is held back and for how long, compared with a model that
 * has the whole response before it. */
#include <string.h>

#include "screen.h"
#include "support.h"

#define TEXT "sekrit-42"
#define MASK "*********"

static void free_reflect(void *reflect)
{
    reflect_free(reflect);
}

static struct screen screen_of(const struct slice *texts, size_t count, bool blocks)
{
    struct reflect *reflect = reflect_new(texts, count);

    assert_non_null(reflect);
    defer(free_reflect, reflect);
    return (struct screen){.reflect = reflect, .blocks = blocks};
}

static struct screen screen_of_text(bool blocks)
{
    const struct slice text = slice_of(TEXT);

    return screen_of(&text, 1, blocks);
}

/* ---- heads ---- */

#define OK "HTTP/1.1 200 OK\r\n"

static const struct head_row {
    const char *name, *head;
    const char *masked; /* NULL: as it is; "": it blocks even where texts are masked */
} head_rows[] = {
    {"nothing", OK "A: b\r\n\r\n", NULL},
    {"value", OK "A: x " TEXT " y\r\nB: c\r\n\r\n", OK "A: x " MASK " y\r\nB: c\r\n\r\n"},
    {"value alone", OK "A:" TEXT "\r\n\r\n", OK "A:" MASK "\r\n\r\n"},
    {"twice", OK "A: " TEXT TEXT "\r\nB: " TEXT "\r\n\r\n",
     OK "A: " MASK MASK "\r\nB: " MASK "\r\n\r\n"},
    {"name", OK "X-" TEXT ": b\r\n\r\n", OK "X-" MASK ": b\r\n\r\n"},
    {"reason", "HTTP/1.1 200 " TEXT "\r\n\r\n", "HTTP/1.1 200 " MASK "\r\n\r\n"},
    {"reason and field", "HTTP/1.1 404 a " TEXT "\r\nA: " TEXT "\r\n\r\n",
     "HTTP/1.1 404 a " MASK "\r\nA: " MASK "\r\n\r\n"},
    {"no reason", "HTTP/1.1 200 \r\nA: " TEXT "\r\n\r\n", "HTTP/1.1 200 \r\nA: " MASK "\r\n\r\n"},
    {"a part", OK "A: sekrit-4\r\nB: 2\r\n\r\n", NULL},
    {"over two lines it is none", OK "A: sekrit\r\n-42: b\r\n\r\n", NULL},
    {"framing cannot be masked", OK "Transfer-Encoding: " TEXT "\r\n\r\n", ""},
    {"nor what belongs to the connection", OK "Connection: " TEXT "\r\n\r\n", ""},
    {"nor Date", OK "date: " TEXT "\r\n\r\n", ""},
};

static void check_head(const void *at)
{
    const struct head_row *row = at;
    const char *masked = row->masked != NULL ? row->masked : row->head;
    struct screen screen = screen_of_text(false);
    struct slice head = guarded(slice_of(row->head));

    check_number("passes", screen_head(&screen, (char *)head.at, head.len), masked[0] != '\0');
    if (masked[0] != '\0')
        check_octets("masked", head, slice_of(masked));
    check_number("found", screen.found, row->masked != NULL);

    screen = screen_of_text(true);
    head = guarded(slice_of(row->head));
    check_number("passes, blocking", screen_head(&screen, (char *)head.at, head.len),
                 row->masked == NULL);
    check_number("found, blocking", screen.found, row->masked != NULL);
}

/* A text with a colon in it, over the border of name and value: the line stays a field. */
static void test_colon(void)
{
    const struct slice text = slice_of("Key: abcdef");
    struct screen screen = screen_of(&text, 1, false);
    char head[] = OK "X-Key: abcdef: g\r\n\r\n";

    check(screen_head(&screen, head, sizeof head - 1), "blocked");
    check_text("masked", head, OK "X-***:*******: g\r\n\r\n");
}

/* ---- content, as a response's pump does it ---- */

struct pump {
    struct screen screen;
    struct http_chunked chunked;
    bool has_framing;
    char in[1 << 16];
    size_t passed, held, end; /* in in: sent, held back behind that, received */
    bool blocked, over;
};

static void pump_begin(struct pump *pump, struct screen screen, bool has_framing)
{
    memset(pump, 0, sizeof *pump);
    pump->screen = screen;
    pump->has_framing = has_framing;
    http_chunked_init(&pump->chunked, HTTP_RESPONSE, 4096);
    screen_begin(&pump->screen, has_framing ? &pump->chunked : NULL);
}

static void pump_look(struct pump *pump, enum http_chunk_part part, size_t len)
{
    pump->held += len;
    if (!screen_look(&pump->screen, part, pump->in + pump->passed, pump->held, len))
        pump->blocked = true;
}

static void pump_parts(struct pump *pump)
{
    while (!pump->blocked && !pump->over) {
        size_t seen = pump->passed + pump->held;
        size_t taken = pump->end - seen;
        enum http_chunk_part part = HTTP_CHUNK_DATA;
        if (pump->has_framing)
            part =
                http_chunked_take(&pump->chunked, (struct slice){pump->in + seen, taken}, &taken);
        if (taken == 0)
            return;
        pump_look(pump, part, taken);
        pump->over = part == HTTP_CHUNK_END;
    }
}

static void pump_take(struct pump *pump, struct slice octets)
{
    size_t released;

    memcpy(pump->in + pump->end, octets.at, octets.len);
    pump->end += octets.len;
    pump_parts(pump);
    if (pump->blocked)
        return;
    if (pump->over)
        released = pump->held;
    else if (!screen_release(&pump->screen, &pump->chunked, pump->in + pump->passed, pump->held,
                             &released)) {
        pump->blocked = true;
        return;
    }
    pump->passed += released;
    pump->held -= released;
}

static struct slice pump_sent(const struct pump *pump)
{
    return (struct slice){pump->in, pump->passed};
}

static struct pump pump;

/* ---- tables ---- */

static const struct content_row {
    const char *name, *octets; /* without and with chunks, by their front */
    const char *masked;        /* "": it blocks even where texts are masked */
} plain_rows[] =
    {
        {"nothing", "abc", "abc"},
        {"text", "a " TEXT " b", "a " MASK " b"},
        {"texts", TEXT TEXT "x" TEXT, MASK MASK "x" MASK},
        {"begun twice", "sekrit-4sekrit-42", "sekrit-4" MASK},
        {"a part", "sekrit-4 2", "sekrit-4 2"},
        {"line ends", "\r\n" TEXT "\r\n", "\r\n" MASK "\r\n"},
},
  chunked_rows[] = {
      {"one chunk", "b\r\na" TEXT "b\r\n0\r\n\r\n", "b\r\na" MASK "b\r\n0\r\n\r\n"},
      {"two chunks", "3\r\nsek\r\n6\r\nrit-42\r\n0\r\n\r\n",
       "3\r\n***\r\n6\r\n******\r\n0\r\n\r\n"},
      {"two chunks, no text", "3\r\nsek\r\n6\r\nrit-43\r\n0\r\n\r\n",
       "3\r\nsek\r\n6\r\nrit-43\r\n0\r\n\r\n"},
      {"octet by octet",
       "1\r\ns\r\n1\r\ne\r\n1\r\nk\r\n1\r\nr\r\n1\r\ni\r\n1\r\nt\r\n1\r\n-\r\n1\r\n4\r\n1\r\n2\r\n"
       "1\r\n3\r\n0\r\n\r\n",
       "1\r\n*\r\n1\r\n*\r\n1\r\n*\r\n1\r\n*\r\n1\r\n*\r\n1\r\n*\r\n1\r\n*\r\n1\r\n*\r\n1\r\n*\r\n"
       "1\r\n3\r\n0\r\n\r\n"},
      {"extensions stay", "3;a=b\r\nsek\r\n6;c=\"d\"\r\nrit-42\r\n0;e\r\n\r\n",
       "3;a=b\r\n***\r\n6;c=\"d\"\r\n******\r\n0;e\r\n\r\n"},
      {"text in an extension", "3;a=" TEXT "\r\nabc\r\n0\r\n\r\n", ""},
      {"trailer", "0\r\nA: " TEXT "\r\nB: c\r\n\r\n", "0\r\nA: " MASK "\r\nB: c\r\n\r\n"},
      {"trailer's name", "0\r\nA" TEXT ": b\r\n\r\n", "0\r\nA" MASK ": b\r\n\r\n"},
      {"not over content and trailer", "6\r\nsekrit\r\n0\r\n-42: b\r\n\r\n",
       "6\r\n******\r\n0\r\n***: b\r\n\r\n"},
};

static void check_in_pieces(const struct content_row *row, bool has_framing, size_t piece)
{
    size_t len = strlen(row->octets);
    bool is_found = strcmp(row->octets, row->masked) != 0;

    for (int blocks = 0; blocks < 2; blocks++) {
        pump_begin(&pump, screen_of_text(blocks != 0), has_framing);
        for (size_t at = 0; at < len && !pump.blocked; at += piece)
            pump_take(&pump, (struct slice){row->octets + at, len - at < piece ? len - at : piece});
        check_number("found", pump.screen.found, is_found);
        check_number("blocked", pump.blocked, is_found && (blocks || row->masked[0] == '\0'));
        if (!pump.blocked)
            check_octets(text_of("sent in pieces of %zu", piece), pump_sent(&pump),
                         slice_of(row->masked));
        else
            check(memmem(pump.in, pump.passed, TEXT, strlen(TEXT)) == NULL, "it was sent");
    }
}

static void check_plain(const void *at)
{
    for (size_t piece = 1; piece < 12; piece++)
        check_in_pieces(at, false, piece);
}

static void check_chunked(const void *at)
{
    for (size_t piece = 1; piece < 40; piece++)
        check_in_pieces(at, true, piece);
}

/* ---- what is held, and for how long ---- */

static void test_held(void)
{
    pump_begin(&pump, screen_of_text(false), true);
    pump_take(&pump, slice_of("8\r\nab sekri\r\n"));
    check_octets("sent", pump_sent(&pump), slice_of("8\r\nab "));
    pump_take(&pump, slice_of("2;x=y\r\n"));
    check_octets("framing waits too", pump_sent(&pump), slice_of("8\r\nab "));
    pump_take(&pump, slice_of("t"));
    check_octets("still", pump_sent(&pump), slice_of("8\r\nab "));
    pump_take(&pump, slice_of("!"));
    check_octets("it was none", pump_sent(&pump), slice_of("8\r\nab sekri\r\n2;x=y\r\nt!"));
    check(!pump.screen.found, "found");
}

/* More framing than can be held back: what may be a secret is masked, and the rest of it too. */
static void test_more_than_can_be_held(void)
{
    static char in[2 * SCREEN_HELD_MAX];
    struct screen screen = screen_of_text(false);
    struct http_chunked chunked;
    struct buffer octets = {.at = in, .cap = sizeof in};
    size_t held = 0;
    size_t sent = 0;
    size_t taken;
    size_t released;

    http_chunked_init(&chunked, HTTP_RESPONSE, 4096);
    screen_begin(&screen, &chunked);
    for (size_t i = 0; i < strlen(TEXT); i++) {
        buffer_add_text(&octets, "1;");
        buffer_add(&octets, (struct slice){letters(15500), 15500});
        buffer_add_text(&octets, "\r\n");
        buffer_add(&octets, (struct slice){&TEXT[i], 1});
        buffer_add_text(&octets, "\r\n");
        while (sent + held < octets.end) {
            enum http_chunk_part part = http_chunked_take(
                &chunked, (struct slice){in + sent + held, octets.end - sent - held}, &taken);
            held += taken;
            assert_true(screen_look(&screen, part, in + sent, held, taken));
        }
        assert_true(screen_release(&screen, &chunked, in + sent, held, &released));
        sent += released;
        held -= released;
        check(held <= SCREEN_HELD_MAX, "%zu octets are held", held);
    }
    size_t masks = 0;
    for (size_t i = 0; i < sent; i++)
        masks += in[i] == SCREEN_MASK ? 1 : 0;
    check(screen.found, "not found");
    check_number("sent", sent, octets.end);
    check_number("masked", masks, strlen(TEXT));
}

/* ---- compared with a model ---- */

static unsigned next_random(unsigned *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 16;
}

static void random_letters(unsigned *random, char *at, size_t len)
{
    for (size_t i = 0; i < len; i++)
        at[i] = (char)('p' + next_random(random) % 2);
}

/* Masks every place of every text at once. */
static void mask_all(const struct slice *texts, size_t count, const char *octets, size_t len,
                     char *masked)
{
    memcpy(masked, octets, len);
    for (size_t i = 0; i < count; i++)
        for (size_t at = 0; at + texts[i].len <= len; at++)
            if (memcmp(octets + at, texts[i].at, texts[i].len) == 0)
                memset(masked + at, SCREEN_MASK, texts[i].len);
}

/* The same chunks around both. */
static void add_chunks(unsigned random, const char *content, size_t len, struct buffer *out)
{
    size_t size;

    for (size_t at = 0; at < len; at += size) {
        size = 1 + next_random(&random) % (next_random(&random) % 3 == 0 ? 20 : 2);
        size = size < len - at ? size : len - at;
        buffer_add_hex(out, size);
        buffer_add_text(out, next_random(&random) % 4 == 0 ? ";x=\"y\"\r\n" : "\r\n");
        buffer_add(out, (struct slice){content + at, size});
        buffer_add_text(out, "\r\n");
    }
    buffer_add_text(out, "0\r\nT: ");
    buffer_add(out, (struct slice){content, len < 30 ? len : 30});
    buffer_add_text(out, "\r\n\r\n");
}

static bool play_round(unsigned round)
{
    unsigned random = 77u * round + 1;
    char text_octets[4][12];
    struct slice texts[4];
    char content[200];
    char masked[200];
    size_t count = 1 + next_random(&random) % COUNT_OF(texts);
    size_t len = 30 + next_random(&random) % 170;
    bool has_framing = round % 3 != 0;

    for (size_t i = 0; i < count; i++) {
        texts[i] = (struct slice){text_octets[i], 4 + next_random(&random) % 8};
        random_letters(&random, text_octets[i], texts[i].len);
    }
    random_letters(&random, content, len);
    mask_all(texts, count, content, len, masked);

    struct buffer *octets = new_buffer(4096);
    struct buffer *expected = new_buffer(4096);
    if (has_framing) {
        char trailer[30];
        add_chunks(round, content, len, octets);
        add_chunks(round, masked, len, expected);
        /* The trailer repeats the front of the content, whose texts may end behind it. */
        mask_all(texts, count, content, sizeof trailer, trailer);
        memcpy(expected->at + expected->end - 4 - sizeof trailer, trailer, sizeof trailer);
    } else {
        buffer_add(octets, (struct slice){content, len});
        buffer_add(expected, (struct slice){masked, len});
    }
    pump_begin(&pump, screen_of(texts, count, false), has_framing);
    for (size_t at = 0; at < octets->end;) {
        size_t piece = 1 + next_random(&random) % 25;
        piece = piece < octets->end - at ? piece : octets->end - at;
        pump_take(&pump, (struct slice){octets->at + at, piece});
        at += piece;
        if (!check(pump.passed + pump.held == at, "lost octets"))
            return false;
    }
    size_t end = pump.passed + pump.held; /* the end of plain content releases what is left */
    return check_octets(text_of("round %u", round), (struct slice){pump.in, end},
                        buffer_content(expected)) &&
           check(pump.held <= reflect_pending_max(pump.screen.reflect), "held for too long");
}

static void test_as_the_model(void)
{
    for (unsigned round = 0; round < 3000; round++)
        if (!play_round(round))
            return;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROWS(head_rows, check_head),       TEST(test_colon), ROWS(plain_rows, check_plain),
        ROWS(chunked_rows, check_chunked), TEST(test_held),  TEST(test_more_than_can_be_held),
        TEST(test_as_the_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
