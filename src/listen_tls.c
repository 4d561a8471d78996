/* listen_tls: the certificate, key and rules by which listeners speak TLS with clients. */
#include "listen_tls.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "clock.h"
#include "file_stamp.h"
#include "log.h"

#define LOOK_MS    1000 /* between two looks at the files, and since their last change */
#define DATE_BYTES 32u

struct listen_tls {
    SSL_CTX *context;
    struct file_stamp used[LISTEN_FILES];  /* the files as they were read */
    struct file_stamp tried[LISTEN_FILES]; /* the same, or such as could not be used */
    bool watched;
    long long looked_ms;
    long long due_ms;
    long long *logged_ms; /* in shared memory */
};

/* ---- files ---- */

/* Notes which files there are. false, with error filled, when one is not a file. */
static bool stamp_files(const struct config *config, struct file_stamp stamps[LISTEN_FILES],
                        char error[LISTEN_ERROR_BYTES])
{
    struct stat status;
    bool usable = true;
    char why[128];

    for (enum listen_file file = LISTEN_CERT; file < LISTEN_FILES; file++) {
        stamps[file] = (struct file_stamp){0};
        if (listen_file_path(config, file) == NULL)
            continue;
        if (stat(listen_file_path(config, file), &status) != 0) {
            snprintf(why, sizeof why, "cannot read: %s", strerror(errno));
            usable = listen_file_fail(config, file, why, error);
        } else if (!S_ISREG(status.st_mode)) {
            usable = listen_file_fail(config, file, "this is not a file", error);
        } else {
            stamps[file] = file_stamp_of(&status);
        }
    }
    return usable;
}

static bool are_same(const struct file_stamp a[LISTEN_FILES],
                     const struct file_stamp b[LISTEN_FILES])
{
    for (enum listen_file file = LISTEN_CERT; file < LISTEN_FILES; file++)
        if (!file_stamp_equals(&a[file], &b[file]))
            return false;
    return true;
}

static bool are_settled(const struct file_stamp stamps[LISTEN_FILES])
{
    for (enum listen_file file = LISTEN_CERT; file < LISTEN_FILES; file++)
        if (file_stamp_is_fresh(&stamps[file], LOOK_MS))
            return false;
    return true;
}

/* ---- what clients will not like ---- */

/* Warns of a file that can be used all the same. */
static void warn(const struct config *config, enum listen_file file, const char *why)
{
    char text[LISTEN_ERROR_BYTES];

    listen_file_fail(config, file, why, text);
    log_warning("%s", text);
}

static void format_date(const ASN1_TIME *time, char text[DATE_BYTES])
{
    struct tm utc;

    if (ASN1_TIME_to_tm(time, &utc) != 1 ||
        strftime(text, DATE_BYTES, "%Y-%m-%d %H:%M:%S UTC", &utc) == 0)
        snprintf(text, DATE_BYTES, "an unknown time");
}

static void warn_of_dates(const struct config *config, const X509 *certificate)
{
    char date[DATE_BYTES];
    char why[128];

    if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0) {
        format_date(X509_get0_notAfter(certificate), date);
        snprintf(why, sizeof why, "it expired on %s: clients refuse it; renew it", date);
        warn(config, LISTEN_CERT, why);
    }
    if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0) {
        format_date(X509_get0_notBefore(certificate), date);
        snprintf(why, sizeof why, "it is not valid before %s: look at this machine's clock", date);
        warn(config, LISTEN_CERT, why);
    }
}

static void warn_of_open_key(const struct config *config)
{
    struct stat status;

    if (stat(listen_file_path(config, LISTEN_KEY), &status) == 0 && (status.st_mode & S_IROTH) != 0)
        warn(config, LISTEN_KEY, "every user of this machine can read the key: chmod o-r it");
}

/* ---- the whole ---- */

struct listen_tls *listen_tls_load(const struct config *config, char error[LISTEN_ERROR_BYTES])
{
    struct listen_tls *tls = calloc(1, sizeof *tls);
    void *shared = mmap(NULL, sizeof *tls->logged_ms, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (tls != NULL)
        tls->logged_ms = shared != MAP_FAILED ? shared : NULL;
    else if (shared != MAP_FAILED)
        munmap(shared, sizeof *tls->logged_ms);
    if (tls == NULL || tls->logged_ms == NULL) {
        snprintf(error, LISTEN_ERROR_BYTES, "out of memory");
        listen_tls_free(tls);
        return NULL;
    }
    if (stamp_files(config, tls->used, error))
        tls->context = listen_context_make(config, error);
    if (tls->context == NULL) {
        listen_tls_free(tls);
        return NULL;
    }
    memcpy(tls->tried, tls->used, sizeof tls->tried);
    tls->watched = true;
    tls->due_ms = CLOCK_NEVER;
    warn_of_dates(config, SSL_CTX_get0_certificate(tls->context));
    warn_of_open_key(config);
    return tls;
}

void listen_tls_free(struct listen_tls *tls)
{
    if (tls == NULL)
        return;
    SSL_CTX_free(tls->context);
    if (tls->logged_ms != NULL)
        munmap(tls->logged_ms, sizeof *tls->logged_ms);
    free(tls);
}

SSL_CTX *listen_tls_context(const struct listen_tls *tls)
{
    return tls->context;
}

long long *listen_tls_logged_ms(const struct listen_tls *tls)
{
    return tls->logged_ms;
}

long long listen_tls_due(const struct listen_tls *tls)
{
    return tls != NULL ? tls->due_ms : CLOCK_NEVER;
}

bool listen_tls_keep_if_unreadable(struct listen_tls *tls, const struct config *config)
{
    for (enum listen_file file = LISTEN_CERT; tls != NULL && file < LISTEN_FILES; file++)
        if (listen_file_path(config, file) != NULL &&
            access(listen_file_path(config, file), R_OK) != 0)
            tls->watched = false;
    return tls == NULL || tls->watched;
}

int64_t listen_tls_expires(const struct listen_tls *tls)
{
    struct tm utc;

    if (tls == NULL ||
        ASN1_TIME_to_tm(X509_get0_notAfter(SSL_CTX_get0_certificate(tls->context)), &utc) != 1)
        return 0;
    return (int64_t)timegm(&utc);
}

/* Makes a context of the files as they are now. */
static bool renew(struct listen_tls *tls, const struct config *config, bool all_there,
                  char error[LISTEN_ERROR_BYTES])
{
    char date[DATE_BYTES];

    SSL_CTX *context = all_there ? listen_context_make(config, error) : NULL;
    if (context == NULL) {
        log_error("%s; the certificate in use stays in force", error);
        return false;
    }
    SSL_CTX_free(tls->context);
    tls->context = context;
    memcpy(tls->used, tls->tried, sizeof tls->used);
    format_date(X509_get0_notAfter(SSL_CTX_get0_certificate(context)), date);
    log_info("%s has changed, and is in use for new connections; valid until %s",
             listen_file_path(config, LISTEN_CERT), date);
    warn_of_dates(config, SSL_CTX_get0_certificate(context));
    warn_of_open_key(config);
    return true;
}

bool listen_tls_refresh(struct listen_tls *tls, const struct config *config, long long now)
{
    char error[LISTEN_ERROR_BYTES] = "";
    struct file_stamp stamps[LISTEN_FILES];

    if (tls == NULL || !tls->watched || now - tls->looked_ms < LOOK_MS)
        return false;
    tls->looked_ms = now;
    tls->due_ms = CLOCK_NEVER;
    bool all_there = stamp_files(config, stamps, error);
    if (are_same(stamps, tls->tried))
        return false;
    if (!are_settled(stamps)) {
        tls->due_ms = now + LOOK_MS;
        return false;
    }
    memcpy(tls->tried, stamps, sizeof tls->tried);
    if (are_same(stamps, tls->used))
        return false;
    return renew(tls, config, all_there, error);
}
