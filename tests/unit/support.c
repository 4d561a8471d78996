/* support: what the unit tests share. */
#include "support.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"

/* ---- tests ---- */

#define SHOWN_BYTES_MAX 600u /* of octets in a message */

static const char *row_name; /* NULL between rows */
static unsigned failures;
static bool row_failed;

struct deferred {
    struct deferred *before;
    void (*release)(void *);
    void *what;
};

static struct deferred *deferred;

static void release_all(void)
{
    while (deferred != NULL) {
        struct deferred *last = deferred;
        deferred = last->before;
        last->release(last->what);
        free(last);
    }
}

void defer(void (*release)(void *), void *what)
{
    struct deferred *last = malloc(sizeof *last);

    assert_non_null(what);
    assert_non_null(last);
    *last = (struct deferred){deferred, release, what};
    deferred = last;
}

/* Also after a crash, which cmocka catches: then the row is still at hand. */
int unit_end(void **state)
{
    (void)state;
    if (row_name != NULL)
        print_error("stopped in row \"%s\"\n", row_name);
    row_name = NULL;
    release_all();
    return 0;
}

static void run_row(const struct unit_test *test, const void *row)
{
    memcpy(&row_name, row, sizeof row_name);
    row_failed = false;
    test->check_row(row);
    row_name = NULL;
    failures += row_failed;
    release_all();
}

void unit_run(void **state)
{
    const struct unit_test *test = *state;
    const char *row = test->rows;

    failures = 0;
    row_failed = false;
    for (size_t i = 0; i < test->count; i++)
        run_row(test, row + i * test->size);
    if (test->count > 0) {
        print_message("[   ROWS   ] %zu\n", test->count);
    } else {
        test->body();
        failures += row_failed;
    }
    if (failures > 0)
        fail_msg("%u failed", failures);
}

bool check(bool holds, const char *format, ...)
{
    va_list arguments;
    char message[4096];

    if (holds)
        return true;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    if (row_name != NULL)
        print_error("row \"%s\": ", row_name);
    print_error("%s\n", message);
    row_failed = true;
    return false;
}

/* The octets for people; the end of long ones is left out. */
static const char *shown(struct slice octets)
{
    struct buffer *out = new_buffer(4 * SHOWN_BYTES_MAX + 8);
    char escape[8];

    for (size_t i = 0; i < octets.len && i < SHOWN_BYTES_MAX; i++) {
        unsigned char c = (unsigned char)octets.at[i];
        if (c == '\r' || c == '\n')
            snprintf(escape, sizeof escape, "\\%c", c == '\r' ? 'r' : 'n');
        else
            snprintf(escape, sizeof escape, c >= 0x20 && c < 0x7F ? "%c" : "\\x%02X", c);
        buffer_add_text(out, escape);
    }
    buffer_add_text(out, octets.len > SHOWN_BYTES_MAX ? "..." : "");
    out->at[out->end] = '\0';
    return out->at;
}

bool check_octets(const char *what, struct slice got, struct slice expected)
{
    if (slice_equals(got, expected))
        return true;
    return check(false, "%s:\n   came %zu octets: <%s>\n  not as %zu octets: <%s>", what, got.len,
                 shown(got), expected.len, shown(expected));
}

bool check_text(const char *what, const char *got, const char *expected)
{
    if (got == NULL || expected == NULL)
        return check(got == expected, "%s: came %s, not %s", what, got == NULL ? "nothing" : got,
                     expected == NULL ? "nothing" : expected);
    return check_octets(what, slice_of(got), slice_of(expected));
}

bool check_has(const char *what, const char *got, const char *part)
{
    return check(strstr(got, part) != NULL, "%s: <%s> is not in <%s>", what, part, got);
}

bool check_lacks(const char *what, const char *got, const char *part)
{
    return check(strstr(got, part) == NULL, "%s: <%s> is in <%s>", what, part, got);
}

bool check_numbers(const char *what, long long got, long long expected)
{
    return check(got == expected, "%s: came %lld, not %lld", what, got, expected);
}

/* ---- memory ---- */

const char *text_of(const char *format, ...)
{
    va_list arguments;
    char *text = NULL;

    va_start(arguments, format);
    int len = vasprintf(&text, format, arguments);
    va_end(arguments);
    assert_true(len >= 0);
    defer(free, text);
    return text;
}

const char *letters(size_t count)
{
    static char all[LETTERS_MAX + 1];

    assert_true(count <= LETTERS_MAX);
    if (all[0] == '\0')
        memset(all, 'a', LETTERS_MAX);
    return all + LETTERS_MAX - count;
}

const char *distinct_names(size_t count)
{
    const char *names = letters(1);

    for (size_t i = 2; i <= count; i++)
        names = text_of("%s, %s", names, letters(i));
    return names;
}

struct slice with_octet(const char *pattern, char c)
{
    size_t len = strlen(pattern);
    char *copy = strdup(pattern);

    defer(free, copy);
    for (size_t i = 0; i < len; i++)
        if (copy[i] == '?')
            copy[i] = c;
    return (struct slice){copy, len};
}

static char *map_with_guard(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *at = mmap(NULL, GUARDED_BYTES_MAX + page, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_true(at != MAP_FAILED);
    assert_int_equal(mprotect(at + GUARDED_BYTES_MAX, page, PROT_NONE), 0);
    return at + GUARDED_BYTES_MAX;
}

struct slice guarded(struct slice octets)
{
    static char *ends[2];
    static unsigned turn;

    turn ^= 1;
    if (ends[turn] == NULL)
        ends[turn] = map_with_guard();
    assert_true(octets.len <= GUARDED_BYTES_MAX);
    char *copy = ends[turn] - octets.len;
    if (octets.len > 0)
        memcpy(copy, octets.at, octets.len);
    return (struct slice){copy, octets.len};
}

static void release_buffer(void *what)
{
    buffer_free(what);
    free(what);
}

struct buffer *new_buffer(size_t cap)
{
    struct buffer *buffer = malloc(sizeof *buffer);

    assert_non_null(buffer);
    assert_true(buffer_init(buffer, cap));
    defer(release_buffer, buffer);
    return buffer;
}

/* ---- output ---- */

struct capture capture_begin(int fd)
{
    struct capture capture = {.fd = fd};
    int sockets[2];

    fflush(stdout);
    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, sockets), 0);
    capture.saved = dup(fd);
    capture.reader = sockets[0];
    assert_true(capture.saved >= 0 && dup2(sockets[1], fd) == fd);
    close(sockets[1]);
    return capture;
}

const char *capture_end(struct capture *capture)
{
    static char line[LOG_LINE_BYTES_MAX + 2];
    char more;

    dup2(capture->saved, capture->fd);
    close(capture->saved);
    ssize_t len = recv(capture->reader, line, sizeof line - 1, MSG_DONTWAIT);
    bool once = recv(capture->reader, &more, 1, MSG_DONTWAIT) <= 0;
    close(capture->reader);
    if (len <= 0)
        return NULL;
    line[len] = '\0';
    check(once, "more than one write");
    check_number("no NUL", strlen(line), len);
    check((size_t)len <= LOG_LINE_BYTES_MAX, "%zd bytes", len);
    check(strchr(line, '\n') == line + len - 1, "not one line: <%s>", line);
    return line;
}

void set_journal(int fd)
{
    struct stat status;

    assert_int_equal(fstat(fd, &status), 0);
    setenv(
        "JOURNAL_STREAM",
        text_of("%llu:%llu", (unsigned long long)status.st_dev, (unsigned long long)status.st_ino),
        1);
    log_init(LEVEL_DEBUG);
    unsetenv("JOURNAL_STREAM");
}

/* ---- files ---- */

static void remove_file(void *path)
{
    remove(path);
    free(path);
}

static char *temporary_name(void)
{
    char *path = strdup("/tmp/authbridge-XXXXXX");

    assert_non_null(path);
    return path;
}

static void write_file(FILE *file, struct slice content)
{
    assert_non_null(file);
    assert_int_equal(fwrite(content.at, 1, content.len, file), content.len);
    assert_int_equal(fclose(file), 0);
}

const char *new_file(struct slice content)
{
    char *path = temporary_name();
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    defer(remove_file, path);
    write_file(fdopen(fd, "w"), content);
    return path;
}

const char *new_directory(const char *name, struct slice content)
{
    char *path = temporary_name();
    char *file = NULL;

    assert_non_null(mkdtemp(path));
    defer(remove_file, path);
    assert_true(asprintf(&file, "%s/%s", path, name) > 0);
    defer(remove_file, file);
    write_file(fopen(file, "w"), content);
    return path;
}

/* ---- configurations ---- */

static void release_config(void *config)
{
    config_free(config);
}

const struct config *load_config(const struct config_source *source, const char **report)
{
    char *written = NULL;
    size_t len = 0;
    FILE *stream = open_memstream(&written, &len);

    assert_non_null(stream);
    struct config *config = config_load(source, stream);
    fclose(stream);
    defer(free, written);
    *report = written;
    if (config != NULL)
        defer(release_config, config);
    return config;
}

const struct config *config_of(const char *settings)
{
    const char *content = text_of("[proxy]\ntarget = http://target.example\n%s", settings);
    const struct config_source source = {.file = new_file(slice_of(content))};
    const char *report;

    const struct config *config = load_config(&source, &report);
    if (config == NULL)
        fail_msg("refused: %s", report);
    return config;
}

static const char *place_of(const char *line, const char *path)
{
    size_t path_len = path != NULL ? strlen(path) : 0;
    const char *end = strstr(line, ": ");

    if (end == NULL)
        return "?";
    if (path == NULL || strncmp(line, path, path_len) != 0)
        return text_of("%.*s", (int)(end - line), line);
    const char *number = line + path_len + 1;
    return number < end ? text_of("%.*s", (int)(end - number), number) : "file";
}

const char *places_of(const char *report, const char *path)
{
    const char *places = "";

    for (const char *line = report; *line != '\0'; line = strchrnul(line, '\n') + 1) {
        places = text_of("%s%s ", places, place_of(line, path));
        if (strchr(line, '\n') == NULL)
            break;
    }
    return places;
}

/* ---- messages ---- */

struct http_head head_of(enum http_kind kind, struct slice octets)
{
    const struct http_limits limits = {1 << 20, 1 << 20, 10000};
    struct http_head head;

    http_head_init(&head, kind, limits);
    if (http_head_parse(&head, octets.at, octets.len) != HTTP_COMPLETE)
        fail_msg("no complete head: %s", shown(octets));
    return head;
}

bool read_request(struct slice octets, struct http_request *request, struct http_fault *fault)
{
    struct http_head head = head_of(HTTP_REQUEST, octets);

    return http_request_read(&head, request, fault);
}

struct http_request request_of(const char *octets)
{
    struct http_request request;
    struct http_fault fault;

    if (!read_request(slice_of(octets), &request, &fault))
        fail_msg("refused, %u %s: %s", fault.status, fault.detail, shown(slice_of(octets)));
    return request;
}

/* ---- TLS ---- */

#define IDENTITY_SECONDS 3600

static void free_memory(void *bio)
{
    BIO_free(bio);
}

const char *new_identity(void)
{
    static const unsigned char name[] = "unit";
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    BIO *pem = BIO_new(BIO_s_mem());
    X509_NAME *subject = X509_get_subject_name(certificate);
    char *text;

    defer(free_memory, pem);
    X509_set_version(certificate, X509_VERSION_3);
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), IDENTITY_SECONDS);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, name, -1, -1, 0);
    X509_set_issuer_name(certificate, subject);
    X509_set_pubkey(certificate, key);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    assert_int_equal(PEM_write_bio_X509(pem, certificate), 1);
    assert_int_equal(PEM_write_bio_PrivateKey(pem, key, NULL, NULL, 0, NULL, NULL), 1);
    X509_free(certificate);
    EVP_PKEY_free(key);
    size_t len = (size_t)BIO_get_mem_data(pem, &text);
    return new_file((struct slice){text, len});
}

size_t read_tls(SSL *ssl, char *at, size_t cap)
{
    size_t all = 0;
    size_t got;

    while (all < cap && SSL_read_ex(ssl, at + all, cap - all, &got) == 1)
        all += got;
    return all;
}

/* ---- the present ---- */

time_t present_second(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec;
}

/* Whether an IMF-fixdate of the last seconds stands there (RFC 9110 5.6.7). */
static bool is_present(const char *value)
{
    struct tm utc = {0};
    const char *end = strptime(value, "%a, %d %b %Y %H:%M:%S GMT", &utc);
    time_t now = present_second();

    if (end == NULL || end != value + CLOCK_DATE_BYTES - 1)
        return false;
    time_t then = timegm(&utc);
    return then <= now && now - then < 10;
}

const char *mask_date(struct slice octets)
{
    static const char start[] = "\r\nDate: ";
    char *text = strndup(octets.at, octets.len);

    defer(free, text);
    for (char *at = strstr(text, start); at != NULL; at = strstr(at + 1, start)) {
        char *value = at + strlen(start);
        if (is_present(value))
            memmove(stpcpy(value, "NOW"), value + CLOCK_DATE_BYTES - 1,
                    strlen(value + CLOCK_DATE_BYTES - 1) + 1);
    }
    return text;
}
