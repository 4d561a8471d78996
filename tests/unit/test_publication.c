/* Tests of publication: texts that another process writes are read whole. */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "publication.h"
#include "support.h"

#define CAP    4096u
#define ROUNDS 20000

static struct publication *publication;
static struct publication_copy copy;

static struct slice copied(void)
{
    check(publication_get(publication, &copy), "no copy");
    return (struct slice){copy.text, copy.len};
}

static void test_texts(void)
{
    publication = publication_new(CAP);
    copy = (struct publication_copy){0};
    check_octets("empty", copied(), slice_of(""));
    check_number("version", publication_version(publication), 0);
    check(publication_put(publication, slice_of("first"), 7), "put");
    check_octets("first", copied(), slice_of("first"));
    check_number("until", copy.until, 7);
    check(publication_put(publication, slice_of("second one"), 8), "put");
    check_octets("second", copied(), slice_of("second one"));
    check(!publication_put(publication, slice_of(letters(CAP + 1)), 9), "too long");
    check_octets("still", copied(), slice_of("second one"));
    check(publication_put(publication, slice_of(letters(CAP)), 9), "the longest");
    check_number("length", copied().len, CAP);
    check(publication_put(publication, slice_of(""), 0), "none");
    check_octets("none", copied(), slice_of(""));
    publication_forget(&copy);
    publication_free(publication);
}

/* Texts of one letter each, of a length that goes with it. */
static void write_texts(void)
{
    char text[CAP];

    for (unsigned i = 0;; i++) {
        size_t len = 1 + i % 26 * 150;
        memset(text, 'a' + (int)(i % 26), len);
        publication_put(publication, (struct slice){text, len}, (long long)len);
    }
}

static void test_another_process(void)
{
    unsigned changes = 0;

    publication = publication_new(CAP);
    copy = (struct publication_copy){0};
    pid_t writer = fork();
    if (writer == 0)
        write_texts();
    for (unsigned i = 0; i < ROUNDS || changes < 100; i++) {
        uint32_t before = copy.version;
        if (!publication_get(publication, &copy) || copy.version == before)
            continue;
        changes++;
        for (size_t at = 0; at < copy.len; at++)
            if (copy.text[at] != copy.text[0])
                check(false, "half a text");
        check_number("until", copy.until, copy.len);
        if (copy.len > 0)
            check_number("letter", copy.text[0] - 'a', (copy.len - 1) / 150);
    }
    kill(writer, SIGKILL); /* wherever it is: readers go on, and so does the next writer */
    waitpid(writer, NULL, 0);
    check(publication_get(publication, &copy), "after its death");
    check(publication_put(publication, slice_of("next"), 1), "the next one");
    check_octets("next", copied(), slice_of("next"));
    publication_forget(&copy);
    publication_free(publication);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_texts), TEST(test_another_process)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
