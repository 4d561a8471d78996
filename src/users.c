/* users: the names and hashes in a file. */
#include "users.h"

#include <crypt.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "followed_file.h"
#include "log.h"

#define KEY_BYTES       32
#define LOG_MS          1000
#define BCRYPT_BYTES    60
#define HASH_OCTETS     "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz$=,"
#define DIGEST_OCTETS   "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define HASH_ADVICE     "make one by htpasswd -nB NAME, or by openssl passwd -6"
#define READABLE_BY_ALL S_IROTH

_Static_assert(USERS_ERROR_BYTES == FOLLOWED_FILE_ERROR_BYTES, "one is passed on as the other");

struct user {
    struct slice name, hash; /* within the text */
    unsigned line;
};

struct users {
    struct followed_file *file;
    struct slice text;  /* the file's, owned */
    struct user *items; /* by name */
    size_t count;
    unsigned long generation;
    unsigned char key[KEY_BYTES];
    _Atomic long long *logged_ms; /* in memory that all processes share */
};

/* ---- lines ---- */

/* The methods of crypt(5) that are not weak, and how long what follows the last $ is. */
static const struct {
    const char *prefix;
    size_t digest_bytes; /* 0: the whole is of BCRYPT_BYTES */
} methods[] = {
    {"$y$", 43}, {"$gy$", 43}, {"$7$", 43}, {"$6$", 86}, {"$5$", 43}, {"$2b$", 0}, {"$2y$", 0},
};

static bool is_made_of(struct slice text, const char *octets)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] == '\0' || strchr(octets, text.at[i]) == NULL)
            return false;
    return text.len > 0;
}

/* Whether all of a hash is there: a part of one would let nobody in. */
static bool is_whole(struct slice hash, size_t digest_bytes)
{
    const char *last = memrchr(hash.at, '$', hash.len);
    struct slice digest = {last + 1, (size_t)(hash.at + hash.len - (last + 1))};

    if (digest_bytes == 0)
        return hash.len == BCRYPT_BYTES;
    return digest.len == digest_bytes && is_made_of(digest, DIGEST_OCTETS);
}

/* Whether this system can hold a password against the hash. */
static bool is_supported(struct slice hash)
{
#ifdef CRYPT_CHECKSALT_AVAILABLE
    char setting[CRYPT_OUTPUT_SIZE];

    if (hash.len >= sizeof setting)
        return false;
    memcpy(setting, hash.at, hash.len);
    setting[hash.len] = '\0';
    int found = crypt_checksalt(setting);
    return found != CRYPT_SALT_INVALID && found != CRYPT_SALT_METHOD_DISABLED;
#else
    return hash.len < CRYPT_OUTPUT_SIZE;
#endif
}

/* What is wrong with a hash; NULL: nothing. */
static const char *fault_of_hash(struct slice hash)
{
    if (!is_made_of(hash, HASH_OCTETS))
        return "what follows the colon is no hash of crypt(5)";
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        size_t len = strlen(methods[i].prefix);
        if (hash.len < len || memcmp(hash.at, methods[i].prefix, len) != 0)
            continue;
        if (!is_whole(hash, methods[i].digest_bytes))
            return "a part of the hash is missing, or too much is there";
        return is_supported(hash) ? NULL : "this system's crypt(3) has no such method";
    }
    return "the hash is of a weak or an unknown method";
}

/* What is wrong with a name; NULL: nothing. */
static const char *fault_of_name(struct slice name)
{
    if (name.len == 0)
        return "there is no name before the colon";
    if (name.len > USERS_NAME_BYTES_MAX)
        return "the name is longer than 128 bytes";
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.at[i] < 0x20 || name.at[i] == 0x7F)
            return "the name holds a control octet";
    return NULL;
}

static struct slice take_line(struct slice *text)
{
    const char *end = memchr(text->at, '\n', text->len);
    struct slice line = {text->at, end != NULL ? (size_t)(end - text->at) : text->len};
    size_t taken = line.len + (end != NULL);

    text->at += taken;
    text->len -= taken;
    if (line.len > 0 && line.at[line.len - 1] == '\r')
        line.len--;
    return slice_trim(line);
}

/* Reads a line into *user. What is wrong with it; NULL: nothing. */
static const char *read_user(struct slice line, struct user *user)
{
    const char *colon = memchr(line.at, ':', line.len);

    if (colon == NULL)
        return "give name:hash";
    user->name = (struct slice){line.at, (size_t)(colon - line.at)};
    user->hash = (struct slice){colon + 1, (size_t)(line.at + line.len - (colon + 1))};
    const char *fault = fault_of_name(user->name);
    return fault != NULL ? fault : fault_of_hash(user->hash);
}

/* ---- the table ---- */

static int compare_names(struct slice a, struct slice b)
{
    int order = memcmp(a.at, b.at, a.len < b.len ? a.len : b.len);

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_users(const void *a, const void *b)
{
    return compare_names(((const struct user *)a)->name, ((const struct user *)b)->name);
}

static bool refuse(char error[USERS_ERROR_BYTES], const char *path, unsigned line,
                   const char *fault)
{
    snprintf(error, USERS_ERROR_BYTES, "%.100s:%u: %s; " HASH_ADVICE, path, line, fault);
    return false;
}

/* The text's users; the caller has made room for one of each line. */
static bool read_users(struct users *users, const char *path, char error[USERS_ERROR_BYTES])
{
    struct slice rest = users->text;

    for (unsigned number = 1; rest.len > 0; number++) {
        struct slice line = take_line(&rest);
        if (line.len == 0 || line.at[0] == '#')
            continue;
        struct user *user = &users->items[users->count];
        const char *fault = read_user(line, user);
        if (fault != NULL)
            return refuse(error, path, number, fault);
        user->line = number;
        users->count++;
    }
    qsort(users->items, users->count, sizeof *users->items, compare_users);
    for (size_t i = 1; i < users->count; i++)
        if (compare_users(&users->items[i - 1], &users->items[i]) == 0)
            return refuse(error, path, users->items[i].line, "the name stands twice");
    if (users->count == 0)
        snprintf(error, USERS_ERROR_BYTES, "%.150s has no line with name:hash", path);
    return users->count > 0;
}

static void forget(void *owner)
{
    struct users *users = owner;

    if (users->text.at != NULL)
        explicit_bzero((char *)users->text.at, users->text.len);
    free((char *)users->text.at);
    free(users->items);
    users->text = (struct slice){NULL, 0};
    users->items = NULL;
    users->count = 0;
    users->generation++;
}

static bool copy_text(struct users *users, struct slice content)
{
    char *text = malloc(content.len + 1);
    size_t lines = 1;

    for (size_t i = 0; i < content.len; i++)
        lines += content.at[i] == '\n';
    users->items = calloc(lines, sizeof *users->items);
    if (text != NULL && content.len > 0)
        memcpy(text, content.at, content.len);
    users->text = (struct slice){text, text != NULL ? content.len : 0};
    return text != NULL && users->items != NULL;
}

/* Takes a file's content over, for followed_file: all of it, or nothing. */
static bool take(void *owner, const char *path, struct slice content, bool *is_new,
                 char error[USERS_ERROR_BYTES])
{
    struct users *users = owner;
    struct users fresh = {0};
    bool taken = false;

    if (content.len > USERS_BYTES_MAX)
        snprintf(error, USERS_ERROR_BYTES, "%.150s is longer than %zu bytes", path,
                 USERS_BYTES_MAX);
    else if (!copy_text(&fresh, content))
        snprintf(error, USERS_ERROR_BYTES, "out of memory");
    else
        taken = read_users(&fresh, path, error);
    if (!taken) {
        forget(&fresh);
        return false;
    }
    *is_new = !slice_equals(fresh.text, users->text);
    forget(users);
    users->text = fresh.text;
    users->items = fresh.items;
    users->count = fresh.count;
    return true;
}

/* ---- the whole ---- */

static const struct followed_kind kind = {
    .bytes = USERS_BYTES_MAX + 1,
    .take = take,
    .forget = forget,
    .consequence = "requests are answered with 503",
};

static void warn_if_readable(const char *path)
{
    struct stat status;

    if (stat(path, &status) == 0 && (status.st_mode & READABLE_BY_ALL) != 0)
        log_warning("%s can be read by everybody: take that away (chmod o-r), for a hash can be "
                    "tried out at leisure",
                    path);
}

struct users *users_open(const char *path, char error[USERS_ERROR_BYTES])
{
    struct users *users = calloc(1, sizeof *users);
    void *common = mmap(NULL, sizeof *users->logged_ms, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    snprintf(error, USERS_ERROR_BYTES, "out of memory, or of random octets");
    if (users != NULL)
        users->logged_ms = common != MAP_FAILED ? common : NULL;
    else if (common != MAP_FAILED)
        munmap(common, sizeof *users->logged_ms);
    if (users != NULL && users->logged_ms != NULL && RAND_bytes(users->key, KEY_BYTES) == 1)
        users->file = followed_file_open(path, &kind, users, error);
    if (users == NULL || users->file == NULL) {
        users_free(users);
        return NULL;
    }
    warn_if_readable(path);
    return users;
}

void users_free(struct users *users)
{
    if (users == NULL)
        return;
    forget(users);
    if (users->file != NULL)
        followed_file_free(users->file);
    if (users->logged_ms != NULL)
        munmap((void *)users->logged_ms, sizeof *users->logged_ms);
    explicit_bzero(users->key, sizeof users->key);
    free(users);
}

const char *users_refresh(struct users *users, long long now)
{
    return followed_file_refresh(users->file, now);
}

unsigned long users_generation(const struct users *users)
{
    return users->generation;
}

bool users_digest(const struct users *users, struct slice octets,
                  unsigned char digest[USERS_DIGEST_BYTES])
{
    unsigned len = USERS_DIGEST_BYTES;

    return HMAC(EVP_sha256(), users->key, KEY_BYTES, (const unsigned char *)octets.at, octets.len,
                digest, &len) != NULL;
}

static const struct user *find(const struct users *users, struct slice name)
{
    const struct user wanted = {.name = name};

    return bsearch(&wanted, users->items, users->count, sizeof wanted, compare_users);
}

struct slice users_hash_of(const struct users *users, struct slice name, bool *is_known)
{
    unsigned char digest[USERS_DIGEST_BYTES] = {0};
    uint32_t number;

    *is_known = false;
    if (users->count == 0)
        return (struct slice){NULL, 0};
    const struct user *user = find(users, name);
    /* For every name: what is known must not show in the time either. */
    bool has_digest = users_digest(users, name, digest);
    memcpy(&number, digest, sizeof number);
    *is_known = user != NULL && has_digest;
    return *is_known ? user->hash : users->items[number % users->count].hash;
}

bool users_may_log(struct users *users, long long now)
{
    long long last = atomic_load(users->logged_ms);

    return (last == 0 || now - last >= LOG_MS) &&
           atomic_compare_exchange_strong(users->logged_ms, &last, now);
}

bool users_keep_if_unreadable(struct users *users)
{
    return followed_file_keep_if_unreadable(users->file);
}

const char *users_path(const struct users *users)
{
    return followed_file_path(users->file);
}
