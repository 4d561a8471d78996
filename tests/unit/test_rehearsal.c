/* rehearsal: it completes, again and again, leaves no error behind for whoever looks next, and its
 * random generators do not say the same in two children. */
#include "rehearsal.h"

#include <openssl/err.h>
#include <openssl/rand.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

static void test_completes(void)
{
    for (int i = 0; i < 3; i++) {
        assert_true(rehearsal_run());
        assert_int_equal(ERR_peek_error(), 0);
    }
}

enum { RANDOM_BYTES = 32 };

/* What a child draws first. */
static void draw_in_child(unsigned char drawn[RANDOM_BYTES])
{
    int ends[2];
    int status;

    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        bool written = RAND_bytes(drawn, RANDOM_BYTES) == 1 &&
                       write(ends[1], drawn, RANDOM_BYTES) == RANDOM_BYTES;
        _exit(written ? 0 : 1);
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], drawn, RANDOM_BYTES), RANDOM_BYTES);
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void test_children_draw_differently(void)
{
    unsigned char drawn[3][RANDOM_BYTES];

    assert_true(rehearsal_run());
    draw_in_child(drawn[0]);
    draw_in_child(drawn[1]);
    assert_int_equal(RAND_bytes(drawn[2], RANDOM_BYTES), 1);
    assert_memory_not_equal(drawn[0], drawn[1], RANDOM_BYTES);
    assert_memory_not_equal(drawn[0], drawn[2], RANDOM_BYTES);
    assert_memory_not_equal(drawn[1], drawn[2], RANDOM_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_completes),
        TEST(test_children_draw_differently),
    };

    return cmocka_run_group_tests_name("rehearsal", tests, NULL, NULL);
}
