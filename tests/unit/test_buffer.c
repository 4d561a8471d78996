/* Tests of buffer: bounded appending at the end, consuming at the start. */
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

static void check_content(const char *what, const struct buffer *b, const char *expected)
{
    check_octets(what, buffer_content(b), slice_of(expected));
    check_number(what, buffer_length(b), strlen(expected));
}

static void test_new(void)
{
    struct buffer *b = new_buffer(8);

    check_content("new", b, "");
    check_number("room", buffer_room(b), 8);
    check(!b->overflowed, "a new buffer has not overflowed");
}

static void test_exact_fit(void)
{
    struct buffer *b = new_buffer(8);

    buffer_add_text(b, "abcd");
    buffer_add_text(b, "efgh");
    check_content("full", b, "abcdefgh");
    check_number("room", buffer_room(b), 0);
    buffer_add_text(b, "");
    buffer_add(b, (struct slice){NULL, 0});
    check(!b->overflowed, "nothing fits always");
}

static void test_overflow(void)
{
    struct buffer *b = new_buffer(8);

    buffer_add_text(b, "abcdef");
    buffer_add_text(b, "ghi");
    check(b->overflowed, "one too many overflows");
    check_content("what does not fit is not written", b, "abcdef");
    buffer_add_text(b, "g");
    check(b->overflowed, "the mark stays");
    buffer_clear(b);
    check(!b->overflowed, "clearing forgets it");
    check_content("cleared", b, "");
    check_number("room", buffer_room(b), 8);
}

static void test_overflow_of_huge_length(void)
{
    struct buffer *b = new_buffer(8);
    volatile size_t huge = SIZE_MAX; /* not for the compiler to see */

    buffer_add_text(b, "a");
    buffer_add(b, (struct slice){"x", huge});
    check(b->overflowed, "a length that would wrap is no fit");
    check_content("untouched", b, "a");
}

static void test_consume(void)
{
    struct buffer *b = new_buffer(8);

    buffer_add_text(b, "abcdef");
    buffer_consume(b, 0);
    check_content("nothing consumed", b, "abcdef");
    buffer_consume(b, 2);
    check_content("two consumed", b, "cdef");
    check_number("the room is behind the content", buffer_room(b), 2);
    buffer_consume(b, 4);
    check_content("all consumed", b, "");
    check_number("an emptied buffer starts at the front again", buffer_room(b), 8);
}

static void test_compact(void)
{
    struct buffer *b = new_buffer(8);

    buffer_add_text(b, "abcdef");
    buffer_compact(b);
    check_content("nothing to move", b, "abcdef");
    buffer_consume(b, 2);
    buffer_compact(b);
    check_content("moved to the front", b, "cdef");
    check_number("all the room is behind it", buffer_room(b), 4);
    buffer_add_text(b, "1234");
    check_content("filled again", b, "cdef1234");
}

/* A broken invariant ends the process: going on would read what was never received. */
static void test_consume_too_much(void)
{
    const struct rlimit no_core = {0, 0};
    struct buffer *b = new_buffer(8);
    int status;

    buffer_add_text(b, "abc");
    pid_t child = fork();
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        setrlimit(RLIMIT_CORE, &no_core);
        buffer_consume(b, 4);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    check(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "status %d is no abort", status);
}

static const struct number_row {
    const char *name;
    unsigned long long number;
    const char *decimal, *hex;
} number_rows[] = {
    {"zero", 0, "0", "0"},
    {"nine", 9, "9", "9"},
    {"ten", 10, "10", "a"},
    {"sixteen", 16, "16", "10"},
    {"all digits", 0x123456789abcdef, "81985529216486895", "123456789abcdef"},
    {"2^63 - 1", LLONG_MAX, "9223372036854775807", "7fffffffffffffff"},
    {"2^64 - 1", ULLONG_MAX, "18446744073709551615", "ffffffffffffffff"},
};

static void check_digits(const void *at)
{
    const struct number_row *row = at;
    struct buffer *b = new_buffer(20);

    buffer_add_decimal(b, row->number);
    check_content("decimal", b, row->decimal);
    buffer_clear(b);
    buffer_add_hex(b, row->number);
    check_content("hexadecimal", b, row->hex);
}

static void test_number_that_does_not_fit(void)
{
    struct buffer *b = new_buffer(3);

    buffer_add_decimal(b, 1000);
    check(b->overflowed, "four digits overflow three bytes");
    check_content("no digit is written", b, "");
}

/* Random steps on the buffer and on a plain string give the same content. */
#define STEPS     20000
#define MODEL_CAP 16

struct model {
    char content[MODEL_CAP + 1];
    size_t len;
    size_t consumed; /* in front of the content */
};

static void step_add(struct buffer *b, struct model *model)
{
    char more[6];
    size_t len = (size_t)rand() % (sizeof more + 1);

    for (size_t i = 0; i < len; i++)
        more[i] = (char)('a' + rand() % 26);
    b->overflowed = false;
    buffer_add(b, (struct slice){more, len});
    bool fits = model->consumed + model->len + len <= MODEL_CAP;
    check_number("overflowed", b->overflowed, !fits);
    if (fits) {
        memcpy(model->content + model->len, more, len);
        model->len += len;
    }
}

static void step_consume(struct buffer *b, struct model *model)
{
    size_t len = (size_t)rand() % (model->len + 1);

    buffer_consume(b, len);
    model->len -= len;
    memmove(model->content, model->content + len, model->len);
    model->consumed = model->len == 0 ? 0 : model->consumed + len;
}

static void step_compact(struct buffer *b, struct model *model)
{
    buffer_compact(b);
    model->consumed = 0;
}

static void test_against_model(void)
{
    static void (*const steps[])(struct buffer *, struct model *) = {step_add, step_add,
                                                                     step_consume, step_compact};
    struct buffer *b = new_buffer(MODEL_CAP);
    struct model model = {0};

    srand(1);
    for (int i = 0; i < STEPS; i++) {
        steps[(size_t)rand() % COUNT_OF(steps)](b, &model);
        bool same =
            check_octets("content", buffer_content(b), (struct slice){model.content, model.len});
        same &= check_number("room", buffer_room(b), MODEL_CAP - model.consumed - model.len);
        assert_true(same);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_new),
        TEST(test_exact_fit),
        TEST(test_overflow),
        TEST(test_overflow_of_huge_length),
        TEST(test_consume),
        TEST(test_compact),
        TEST(test_consume_too_much),
        ROWS(number_rows, check_digits),
        TEST(test_number_that_does_not_fit),
        TEST(test_against_model),
    };

    return cmocka_run_group_tests_name("buffer", tests, NULL, NULL);
}
