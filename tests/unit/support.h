/* support: what the unit tests share: tables of cases, checks that name the row at hand, things
 * given back when a row ends, octets that end where memory ends, files, heads and configurations
 * made from text. */
#ifndef AUTHBRIDGE_UNIT_SUPPORT_H
#define AUTHBRIDGE_UNIT_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <openssl/types.h>

#include "buffer.h"
#include "config.h"
#include "http_head.h"
#include "http_request.h"
#include "http_response.h"
#include "slice.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* An initialiser of a slice; the text may hold NUL octets. */
#define OCTETS(text)                                                                               \
    {                                                                                              \
        (text), sizeof(text) - 1                                                                   \
    }

/* ---- tests ---- */

struct unit_test {
    const void *rows; /* structs whose first member is the row's name, a const char * */
    size_t count;
    size_t size;
    void (*check_row)(const void *row);
    void (*body)(void); /* of a test without rows */
};

/* Entries of a CMUnitTest array: a table whose rows are all checked, also after one has failed;
 * and a single test. */
#define ROWS(table, check)                                                                         \
    {                                                                                              \
#table, unit_run, NULL, unit_end, &(struct unit_test)                                      \
        {                                                                                          \
            (table), COUNT_OF(table), sizeof((table)[0]), (check), NULL                            \
        }                                                                                          \
    }
#define TEST(test)                                                                                 \
    {                                                                                              \
#test, unit_run, NULL, unit_end, &(struct unit_test)                                       \
        {                                                                                          \
            .body = (test)                                                                         \
        }                                                                                          \
    }

int unit_end(void **state);
void unit_run(void **state);

/* Each prints the row and what was checked when it does not hold; the test goes on, and fails at
 * its end. They return whether it held. */
__attribute__((format(printf, 2, 3))) bool check(bool holds, const char *format, ...);
bool check_octets(const char *what, struct slice got, struct slice expected);
bool check_text(const char *what, const char *got, const char *expected);
bool check_has(const char *what, const char *got, const char *part);
bool check_lacks(const char *what, const char *got, const char *part);
bool check_numbers(const char *what, long long got, long long expected);
#define check_number(what, got, expected)                                                          \
    check_numbers((what), (long long)(got), (long long)(expected))

/* ---- memory, all of it given back when the row or the test ends ---- */

void defer(void (*release)(void *), void *what);

/* Text made by printf. */
__attribute__((format(printf, 1, 2))) const char *text_of(const char *format, ...);

/* A string of so many letters a, at most LETTERS_MAX. */
#define LETTERS_MAX (2u << 20)
const char *letters(size_t count);

/* A list of so many names: "a, aa, aaa". */
const char *distinct_names(size_t count);

/* The octets with each '?' replaced by c. */
struct slice with_octet(const char *pattern, char c);

/* A copy that ends where memory ends: reading one octet more crashes. It stays as it is for one
 * further call; two calls in a row return different addresses. */
#define GUARDED_BYTES_MAX (1u << 20)
struct slice guarded(struct slice octets);

/* An empty buffer. */
struct buffer *new_buffer(size_t cap);

/* ---- output ---- */

/* A descriptor that is a datagram socket for a while: each write is a datagram of its own. */
struct capture {
    int fd, saved, reader;
};

struct capture capture_begin(int fd);

/* Gives the descriptor back; the one line that was written to it, which is checked to be one,
 * within LOG_LINE_BYTES_MAX; NULL for nothing. */
const char *capture_end(struct capture *capture);

#define CAPTURED(fd, call)                                                                         \
    do {                                                                                           \
        struct capture capture = capture_begin(fd);                                                \
        call;                                                                                      \
        line = capture_end(&capture);                                                              \
    } while (0)

/* Has the log take this descriptor for the journal's. */
void set_journal(int fd);

/* ---- files ---- */

/* The path of a new file; it is removed when the row ends. */
const char *new_file(struct slice content);

/* The path of a new directory that holds one file. */
const char *new_directory(const char *name, struct slice content);

/* ---- configurations ---- */

/* Loads a configuration; *report is all that was reported. NULL when it was refused. */
const struct config *load_config(const struct config_source *source, const char **report);

/* The configuration of "[proxy], target = http://target.example" and the settings after that. */
const struct config *config_of(const char *settings);

/* Where the lines of a report point, each with a space behind: the number in "path:12: ...", "file"
 * for "path: ...", else what stands before the first ": ". */
const char *places_of(const char *report, const char *path);

/* ---- messages ---- */

/* Parses a head with generous limits; the test fails unless it is complete. The slices point into
 * the octets given. */
struct http_head head_of(enum http_kind kind, struct slice octets);

/* The same, with the request's meaning; *fault is filled where that is refused. */
bool read_request(struct slice octets, struct http_request *request, struct http_fault *fault);
struct http_request request_of(const char *octets);

/* ---- TLS ---- */

/* The path of a PEM file with a key and its certificate, which is valid for an hour. */
const char *new_identity(void);

/* What can be read now, at most cap octets. */
size_t read_tls(SSL *ssl, char *at, size_t cap);

/* ---- the present ---- */

/* The present second of the clock that dates are made from: time(2) may lag behind it by a tick. */
time_t present_second(void);

/* The octets with "NOW" for each present date. */
const char *mask_date(struct slice octets);

#endif
