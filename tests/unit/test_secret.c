/* Tests of secret: when a file is read again, and what becomes of one that cannot be used. What the
 * first reading refuses is tested with value. */
#include "secret.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "support.h"

#define LONG_AGO_S 100

static void release(void *secret)
{
    secret_free(secret);
}

/* Stamps a file so that it counts as written long ago; each time differs from the one before. */
static void settle(const char *path)
{
    static int calls;
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {0}};

    clock_gettime(CLOCK_REALTIME, &times[1]);
    times[1].tv_sec -= LONG_AGO_S + calls++;
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void rewrite(const char *path, struct slice content)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(content.at, 1, content.len, file), content.len);
    assert_int_equal(fclose(file), 0);
    settle(path);
}

static void replace(const char *path, const char *content)
{
    const char *fresh = text_of("%s.new", path);
    FILE *file = fopen(fresh, "w");

    assert_non_null(file);
    fputs(content, file);
    assert_int_equal(fclose(file), 0);
    settle(fresh);
    assert_int_equal(rename(fresh, path), 0);
}

/* A secret whose file was written long ago, and its path. */
static struct secret *new_secret(const char **path)
{
    char error[SECRET_ERROR_BYTES] = "";

    *path = new_file(slice_of("first\n"));
    settle(*path);
    struct secret *secret = secret_open(*path, error);
    if (secret == NULL)
        fail_msg("%s", error);
    defer(release, secret);
    return secret;
}

/* The time of a look that is due, later with each call. */
static long long due(void)
{
    static long long now = 1000000;

    return now += 5000;
}

static void check_secret(const struct secret *secret, const char *text)
{
    check_octets("text", secret_text(secret), slice_of(text));
}

static void test_unchanged(void)
{
    const char *path;
    struct secret *secret = new_secret(&path);
    const char *before = secret_text(secret).at;

    check(secret_refresh(secret, due()) == NULL, "a fault");
    check(secret_text(secret).at == before, "it was read again");
    check_text("path", secret_path(secret), path);
}

static void test_rewritten_in_place(void)
{
    const char *path;
    struct secret *secret = new_secret(&path);

    rewrite(path, slice_of("other\r\n")); /* of another size */
    check(secret_refresh(secret, due()) == NULL, "a fault");
    check_secret(secret, "other");
    rewrite(path, slice_of("third\r\n")); /* of the same */
    check(secret_refresh(secret, due()) == NULL, "a fault");
    check_secret(secret, "third");
}

static void test_replaced(void)
{
    const char *path;
    struct secret *secret = new_secret(&path);

    replace(path, "other");
    check(secret_refresh(secret, due()) == NULL, "a fault");
    check_secret(secret, "other");
}

static void test_longer(void)
{
    const char *path;
    struct secret *secret = new_secret(&path);

    rewrite(path, slice_of(letters(SECRET_BYTES_MAX)));
    check(secret_refresh(secret, due()) == NULL, "a fault");
    check_number("length", secret_text(secret).len, SECRET_BYTES_MAX);
}

static void test_at_most_once_a_second(void)
{
    const char *path;
    struct secret *secret = new_secret(&path);
    long long now = due();

    secret_refresh(secret, now);
    rewrite(path, slice_of("other"));
    secret_refresh(secret, now + 999);
    check_secret(secret, "first");
    secret_refresh(secret, now + 1000);
    check_secret(secret, "other");
}

/* One that has just been changed is left for a moment, and not for ever. */
static void test_being_written(void)
{
    const char *path;
    struct secret *secret = new_secret(&path);
    long long now = due();

    assert_int_equal(truncate(path, 0), 0);
    check(secret_refresh(secret, now) == NULL, "a fault");
    check_secret(secret, "first");
    rewrite(path, slice_of("other"));
    check(secret_refresh(secret, now + 100) == NULL, "a fault");
    check_secret(secret, "other");

    now = due();
    assert_int_equal(truncate(path, 3), 0);
    secret_refresh(secret, now);
    for (long long later = now; later < now + 1000; later += 100) {
        utimensat(AT_FDCWD, path, NULL, 0); /* changed again just now */
        check(secret_refresh(secret, later) == NULL, "a fault");
    }
    check_secret(secret, "oth");
}

/* A file that was read while it was fresh may have changed since within the same tick. */
static void test_fresh_when_read(void)
{
    char error[SECRET_ERROR_BYTES];
    const char *path = new_file(slice_of("first"));
    struct secret *secret = secret_open(path, error);
    struct stat status;

    assert_non_null(secret);
    defer(release, secret);
    assert_int_equal(stat(path, &status), 0);
    int fd = open(path, O_WRONLY);
    assert_int_equal(write(fd, "FIRST", 5), 5);
    close(fd);
    const struct timespec times[2] = {status.st_atim, status.st_mtim};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    for (long long now = due(), end = now + 3000; now < end; now += 100)
        secret_refresh(secret, now);
    check_secret(secret, "FIRST");
}

/* ---- files that cannot be used ---- */

static const struct fault_row {
    const char *name;
    struct slice content; /* without at: the file is removed */
    const char *error;
} fault_rows[] = {
    {"gone", {NULL, 0}, "No such file"},
    {"empty", OCTETS(""), "is empty"},
    {"newline alone", OCTETS("\n"), "is empty"},
    {"two lines", OCTETS("s3cret\ns3cret\n"), "control octet (0x0a) at byte 7"},
    {"NUL", OCTETS("s3cret\0"), "control octet (0x00) at byte 7"},
};

static void check_fault(const void *of)
{
    const struct fault_row *row = of;
    const char *path;
    struct secret *secret = new_secret(&path);
    long long now = due();

    if (row->content.at != NULL)
        rewrite(path, row->content);
    else
        assert_int_equal(unlink(path), 0);
    const char *error = secret_refresh(secret, now);
    if (!check(error != NULL, "no fault"))
        return;
    check_has("error", error, row->error);
    check_lacks("error", error, "s3cret");
    check_number("octets left", secret_text(secret).len, 0);
    check(secret_refresh(secret, now + 1) != NULL, "usable without a change");
    replace(path, "again");
    check(secret_refresh(secret, now + 1) == NULL, "still a fault");
    check_secret(secret, "again");
}

static void test_too_long(void)
{
    const char *path;
    struct secret *secret = new_secret(&path);

    rewrite(path, slice_of(letters(SECRET_BYTES_MAX + 1)));
    check(secret_refresh(secret, due()) != NULL, "accepted");
}

static void test_no_file_any_more(void)
{
    const char *path;
    struct secret *secret = new_secret(&path);

    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    check_has("error", secret_refresh(secret, due()), "is not a file");
    assert_int_equal(unlink(path), 0);
    replace(path, "again");
    check(secret_refresh(secret, due()) == NULL, "still a fault");
}

/* A pipe is read to its end once: ${file:/dev/fd/3}. */
static void test_pipe(void)
{
    char error[SECRET_ERROR_BYTES] = "";
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "first\n", 6), 6);
    close(ends[1]);
    struct secret *secret = secret_open(text_of("/dev/fd/%d", ends[0]), error);
    close(ends[0]);
    if (!check(secret != NULL, "refused: %s", error))
        return;
    defer(release, secret);
    check(secret_refresh(secret, due()) == NULL, "read again");
    check_secret(secret, "first");
    check(secret_keep_if_unreadable(secret), "taken for a file");
}

/* ---- a user who cannot read it ---- */

static void test_kept_when_unreadable(void)
{
    const char *path;
    struct secret *secret = new_secret(&path);

    check(secret_keep_if_unreadable(secret), "it is readable");
    assert_int_equal(unlink(path), 0);
    check(!secret_keep_if_unreadable(secret), "it is not readable");
    check(secret_refresh(secret, due()) == NULL, "a fault");
    check_secret(secret, "first");
}

/* ---- messages ---- */

/* What the refreshes of so many processes write to stderr. */
static const char *logged_by(struct secret *secret, int processes, long long now)
{
    char text[4096];
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    for (int i = 0; i < processes; i++) {
        pid_t child = fork();
        if (child == 0) {
            dup2(ends[1], STDERR_FILENO);
            secret_refresh(secret, now);
            _exit(0);
        }
        assert_int_equal(waitpid(child, NULL, 0), child);
    }
    close(ends[1]);
    size_t len = 0;
    ssize_t got;
    while ((got = read(ends[0], text + len, sizeof text - 1 - len)) > 0)
        len += (size_t)got;
    close(ends[0]);
    text[len] = '\0';
    return text_of("%s", text);
}

static void check_one_line(const char *what, const char *lines, const char *part)
{
    check_has(what, lines, part);
    const char *end = strchr(lines, '\n');
    check(end != NULL && end[1] == '\0', "%s: not one line: %s", what, lines);
}

static void test_one_of_many_processes_logs(void)
{
    const char *path;
    struct secret *secret = new_secret(&path);
    long long now = due();

    rewrite(path, slice_of("other"));
    check_one_line("change", logged_by(secret, 5, now), "has changed");
    assert_int_equal(unlink(path), 0);
    check_one_line("fault", logged_by(secret, 5, now + 2000), "answered with 502");
    check_text("the same fault", logged_by(secret, 5, now + 4000), "");
    check_one_line("for long", logged_by(secret, 5, now + 20000), "answered with 502");
    replace(path, "again");
    check_one_line("over", logged_by(secret, 5, now + 22000), "can be used again");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_unchanged),
        TEST(test_rewritten_in_place),
        TEST(test_replaced),
        TEST(test_longer),
        TEST(test_at_most_once_a_second),
        TEST(test_being_written),
        TEST(test_fresh_when_read),
        ROWS(fault_rows, check_fault),
        TEST(test_too_long),
        TEST(test_no_file_any_more),
        TEST(test_pipe),
        TEST(test_kept_when_unreadable),
        TEST(test_one_of_many_processes_logs),
    };

    return cmocka_run_group_tests_name("secret", tests, NULL, NULL);
}
