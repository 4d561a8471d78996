/* listen_tls: the certificate, key and rules by which listeners speak TLS with clients. */
#include "listen_tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "clock.h"
#include "file_stamp.h"
#include "log.h"
#include "privileges.h"

#define LOOK_MS        1000 /* between two looks at the files, and since their last change */
#define SECURITY_LEVEL 2    /* SSL_CTX_set_security_level(3): 112 bits, no SHA-1 signatures */
#define DATE_BYTES     32u

enum file { CERT, KEY, CLIENT_CA, FILES };

static const char *const names[FILES] = {"cert", "key", "client_ca"};

struct listen_tls {
    SSL_CTX *context;
    struct file_stamp used[FILES];  /* the files as they were read */
    struct file_stamp tried[FILES]; /* the same, or such as could not be used */
    bool watched;
    long long looked_ms;
    long long due_ms;
    long long *logged_ms; /* in shared memory */
};

static const char *path_of(const struct config *config, enum file file)
{
    const char *const paths[FILES] = {
        [CERT] = config->listen_tls.cert,
        [KEY] = config->listen_tls.key != NULL ? config->listen_tls.key : config->listen_tls.cert,
        [CLIENT_CA] = config->listen_tls.client_ca,
    };

    return paths[file];
}

/* ---- faults ---- */

/* Fills error with the setting, where it stands, and what is wrong with its file. */
static bool fail(const struct config *config, enum file file, const char *why,
                 char error[LISTEN_TLS_ERROR_BYTES])
{
    char place[CONFIG_PLACE_BYTES];

    config_place_of(config, "listen-tls", names[file], place);
    if (place[0] == '\0') /* a key in the certificate's file */
        config_place_of(config, "listen-tls", names[CERT], place);
    snprintf(error, LISTEN_TLS_ERROR_BYTES, "%.160s: %s = %.160s: %.150s", place, names[file],
             path_of(config, file), why);
    ERR_clear_error();
    return false;
}

/* The same, with OpenSSL's own reason behind it. */
static bool fail_in_openssl(const struct config *config, enum file file, const char *what,
                            char error[LISTEN_TLS_ERROR_BYTES])
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    char why[160];

    snprintf(why, sizeof why, "%.100s%s%.50s%s", what, reason != NULL ? " (" : "",
             reason != NULL ? reason : "", reason != NULL ? ")" : "");
    return fail(config, file, why, error);
}

/* Warns of a file that can be used all the same. */
static void warn(const struct config *config, enum file file, const char *why)
{
    char text[LISTEN_TLS_ERROR_BYTES];

    fail(config, file, why, text);
    log_warning("%s", text);
}

/* ---- files ---- */

/* Notes which files there are. false, with error filled, when one is not a file. */
static bool stamp_files(const struct config *config, struct file_stamp stamps[FILES],
                        char error[LISTEN_TLS_ERROR_BYTES])
{
    struct stat status;
    bool usable = true;
    char why[128];

    for (enum file file = CERT; file < FILES; file++) {
        stamps[file] = (struct file_stamp){0};
        if (path_of(config, file) == NULL)
            continue;
        if (stat(path_of(config, file), &status) != 0) {
            snprintf(why, sizeof why, "cannot read: %s", strerror(errno));
            usable = fail(config, file, why, error);
        } else if (!S_ISREG(status.st_mode)) {
            usable = fail(config, file, "this is not a file", error);
        } else {
            stamps[file] = file_stamp_of(&status);
        }
    }
    return usable;
}

static bool are_same(const struct file_stamp a[FILES], const struct file_stamp b[FILES])
{
    for (enum file file = CERT; file < FILES; file++)
        if (!file_stamp_equals(&a[file], &b[file]))
            return false;
    return true;
}

static bool are_settled(const struct file_stamp stamps[FILES])
{
    for (enum file file = CERT; file < FILES; file++)
        if (file_stamp_is_fresh(&stamps[file], LOOK_MS))
            return false;
    return true;
}

/* An encrypted key is refused: nobody is there to type its pass phrase. */
static int give_no_pass_phrase(char *into, int cap, int writes, void *context)
{
    (void)into, (void)cap, (void)writes, (void)context;
    return -1;
}

static EVP_PKEY *read_key(const char *path)
{
    BIO *file = BIO_new_file(path, "r");
    EVP_PKEY *key =
        file != NULL ? PEM_read_bio_PrivateKey(file, NULL, give_no_pass_phrase, NULL) : NULL;

    BIO_free(file);
    return key;
}

static bool check_access(const struct config *config, enum file file,
                         char error[LISTEN_TLS_ERROR_BYTES])
{
    char why[128];

    if (access(path_of(config, file), R_OK) == 0)
        return true;
    snprintf(why, sizeof why, "cannot read: %s%s", strerror(errno), privileges_advice(errno));
    return fail(config, file, why, error);
}

static bool load_cert(SSL_CTX *context, const struct config *config,
                      char error[LISTEN_TLS_ERROR_BYTES])
{
    return check_access(config, CERT, error) &&
           (SSL_CTX_use_certificate_chain_file(context, path_of(config, CERT)) == 1 ||
            fail_in_openssl(config, CERT,
                            "no certificate that can be used: give a PEM file with the "
                            "certificate and its chain",
                            error));
}

static bool load_key(SSL_CTX *context, const struct config *config,
                     char error[LISTEN_TLS_ERROR_BYTES])
{
    if (!check_access(config, KEY, error))
        return false;
    EVP_PKEY *key = read_key(path_of(config, KEY));
    if (key == NULL)
        return fail_in_openssl(config, KEY,
                               "no key in it that can be used: give an unencrypted PEM", error);
    bool fits = X509_check_private_key(SSL_CTX_get0_certificate(context), key) == 1;
    bool used = fits && SSL_CTX_use_PrivateKey(context, key) == 1;
    EVP_PKEY_free(key);
    if (!fits)
        return fail(config, KEY,
                    "it is not the key of the certificate in cert: give the two that "
                    "were made together",
                    error);
    return used || fail_in_openssl(config, KEY, "the key cannot be used", error);
}

static bool load_client_ca(SSL_CTX *context, const struct config *config,
                           char error[LISTEN_TLS_ERROR_BYTES])
{
    const char *path = path_of(config, CLIENT_CA);
    int mode = SSL_VERIFY_PEER;

    if (path == NULL)
        return true;
    if (!check_access(config, CLIENT_CA, error))
        return false;
    STACK_OF(X509_NAME) *authorities = SSL_load_client_CA_file(path);
    if (authorities == NULL || SSL_CTX_load_verify_file(context, path) != 1) {
        sk_X509_NAME_pop_free(authorities, X509_NAME_free);
        return fail_in_openssl(config, CLIENT_CA,
                               "no certificates that can be used: give a PEM file", error);
    }
    SSL_CTX_set_client_CA_list(context, authorities);
    /* As for the target: an intermediate in the file is trusted by itself. */
    X509_STORE_set_flags(SSL_CTX_get_cert_store(context), X509_V_FLAG_PARTIAL_CHAIN);
    if (config->listen_tls.client_auth == CLIENT_AUTH_REQUIRE)
        mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    SSL_CTX_set_verify(context, mode, NULL);
    return true;
}

/* ---- rules ---- */

/* ALPN (RFC 7301): http/1.1 is all that is spoken here. A client that offers only others is told
 * so; one that offers nothing is served. */
static int choose_protocol(SSL *ssl, const unsigned char **chosen, unsigned char *chosen_len,
                           const unsigned char *offered, unsigned offered_len, void *context)
{
    static const unsigned char ours[] = "\x08http/1.1";
    unsigned char *found;

    (void)ssl, (void)context;
    if (SSL_select_next_proto(&found, chosen_len, ours, sizeof ours - 1, offered, offered_len) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *chosen = found;
    return SSL_TLSEXT_ERR_OK;
}

/* Sessions are in tickets that clients keep, encrypted with keys of the context: no process has to
 * ask another for one. */
static bool set_rules(SSL_CTX *context, const struct config *config)
{
    static const unsigned char sessions[] = "authbridge";
    bool only_1_3 = config->listen_tls.min_version == TLS_FROM_1_3;

    SSL_CTX_set_options(context,
                        SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CLEANSE_PLAINTEXT);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(context, 1); /* one system call a record, not two */
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_security_level(context, SECURITY_LEVEL);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    return SSL_CTX_set_min_proto_version(context, only_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION) ==
               1 &&
           SSL_CTX_set_max_proto_version(context, 0) == 1 &&
           SSL_CTX_set_session_id_context(context, sessions, sizeof sessions - 1) == 1;
}

static SSL_CTX *make_context(const struct config *config, char error[LISTEN_TLS_ERROR_BYTES])
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());

    ERR_clear_error();
    if (context == NULL || !set_rules(context, config)) {
        fail_in_openssl(config, CERT, "OpenSSL cannot be set up", error);
    } else if (load_cert(context, config, error) && load_key(context, config, error) &&
               load_client_ca(context, config, error)) {
        ERR_clear_error();
        return context;
    }
    SSL_CTX_free(context);
    return NULL;
}

/* ---- what clients will not like ---- */

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
        warn(config, CERT, why);
    }
    if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0) {
        format_date(X509_get0_notBefore(certificate), date);
        snprintf(why, sizeof why, "it is not valid before %s: look at this machine's clock", date);
        warn(config, CERT, why);
    }
}

static void warn_of_open_key(const struct config *config)
{
    struct stat status;

    if (stat(path_of(config, KEY), &status) == 0 && (status.st_mode & S_IROTH) != 0)
        warn(config, KEY, "every user of this machine can read the key: chmod o-r it");
}

/* ---- the whole ---- */

struct listen_tls *listen_tls_load(const struct config *config, char error[LISTEN_TLS_ERROR_BYTES])
{
    struct listen_tls *tls = calloc(1, sizeof *tls);
    void *shared = mmap(NULL, sizeof *tls->logged_ms, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (tls != NULL)
        tls->logged_ms = shared != MAP_FAILED ? shared : NULL;
    else if (shared != MAP_FAILED)
        munmap(shared, sizeof *tls->logged_ms);
    if (tls == NULL || tls->logged_ms == NULL) {
        snprintf(error, LISTEN_TLS_ERROR_BYTES, "out of memory");
        listen_tls_free(tls);
        return NULL;
    }
    if (stamp_files(config, tls->used, error))
        tls->context = make_context(config, error);
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
    for (enum file file = CERT; tls != NULL && file < FILES; file++)
        if (path_of(config, file) != NULL && access(path_of(config, file), R_OK) != 0)
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
                  char error[LISTEN_TLS_ERROR_BYTES])
{
    char date[DATE_BYTES];

    SSL_CTX *context = all_there ? make_context(config, error) : NULL;
    if (context == NULL) {
        log_error("%s; the certificate in use stays in force", error);
        return false;
    }
    SSL_CTX_free(tls->context);
    tls->context = context;
    memcpy(tls->used, tls->tried, sizeof tls->used);
    format_date(X509_get0_notAfter(SSL_CTX_get0_certificate(context)), date);
    log_info("%s has changed, and is in use for new connections; valid until %s",
             path_of(config, CERT), date);
    warn_of_dates(config, SSL_CTX_get0_certificate(context));
    warn_of_open_key(config);
    return true;
}

bool listen_tls_refresh(struct listen_tls *tls, const struct config *config, long long now)
{
    char error[LISTEN_TLS_ERROR_BYTES] = "";
    struct file_stamp stamps[FILES];

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
