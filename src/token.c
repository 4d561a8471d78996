/* token: an access token in shared memory, and what is known of it. */
#include "token.h"

#include <linux/futex.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "publication.h"

/* What all processes share of a token besides its text. */
struct shared {
    _Atomic uint32_t news;    /* what children wait on (futex(2)) */
    _Atomic uint32_t asked;   /* wishes of children for another token */
    _Atomic uint32_t dealt;   /* as many of them have been dealt with */
    _Atomic uint32_t refused; /* the version that the last of them was about */
    _Atomic bool busy;        /* it is being fetched */
    _Atomic bool retired;
    _Atomic long long next_ms; /* when it is fetched next; 0: not known yet */
    _Atomic long long begun_ms;
    _Atomic unsigned long long fetches, failures;
};

struct token {
    char *name;
    struct shared *shared;
    struct publication *text;
    struct publication *error;
    struct publication_copy copy;
};

static int bell = -1;

long long token_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_BOOTTIME, &now);
    return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- its life ---- */

static void unmap(struct token *token)
{
    publication_free(token->text);
    publication_free(token->error);
    if (token->shared != NULL)
        munmap(token->shared, sizeof *token->shared);
    token->text = token->error = NULL;
    token->shared = NULL;
}

struct token *token_new(const char *name)
{
    struct token *token = calloc(1, sizeof *token);

    if (token == NULL)
        return NULL;
    void *shared = mmap(NULL, sizeof *token->shared, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    token->shared = shared != MAP_FAILED ? shared : NULL;
    token->name = strdup(name);
    token->text = publication_new(TOKEN_BYTES_MAX);
    token->error = publication_new(TOKEN_ERROR_BYTES);
    if (token->name != NULL && token->shared != NULL && token->text != NULL && token->error != NULL)
        return token;
    token_free(token);
    return NULL;
}

void token_free(struct token *token)
{
    if (token == NULL)
        return;
    publication_forget(&token->copy);
    unmap(token);
    free(token->name);
    free(token);
}

void token_adopt(struct token *token, struct token *from)
{
    unmap(token);
    publication_forget(&token->copy);
    token->shared = from->shared;
    token->text = from->text;
    token->error = from->error;
    from->shared = NULL;
    from->text = from->error = NULL;
}

void token_retire(struct token *token)
{
    if (token->shared != NULL)
        atomic_store(&token->shared->retired, true);
}

bool token_is_retired(const struct token *token)
{
    return atomic_load_explicit(&token->shared->retired, memory_order_relaxed);
}

const char *token_name(const struct token *token)
{
    return token->name;
}

/* ---- a child's part ---- */

bool token_refresh(struct token *token)
{
    return publication_get(token->text, &token->copy) && token->copy.len > 0 &&
           (token->copy.until == TOKEN_FOREVER || token_now_ms() < token->copy.until);
}

struct slice token_text(const struct token *token)
{
    return (struct slice){token->copy.text, token->copy.len};
}

bool token_may_come(const struct token *token, long long by_ms)
{
    return atomic_load(&token->shared->busy) || atomic_load(&token->shared->next_ms) <= by_ms;
}

uint32_t token_news(const struct token *token)
{
    return atomic_load(&token->shared->news);
}

void token_await_news(struct token *token, uint32_t seen, long long ms)
{
    struct timespec span = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    syscall(SYS_futex, &token->shared->news, FUTEX_WAIT, seen, &span, NULL, 0);
}

bool token_has_successor(const struct token *token)
{
    struct publication_copy other = {0};

    if (publication_version(token->text) == token->copy.version)
        return false;
    bool differs = publication_get(token->text, &other) && other.len > 0 &&
                   token_now_ms() < other.until &&
                   !slice_equals((struct slice){other.text, other.len}, token_text(token));
    publication_forget(&other);
    return differs;
}

uint32_t token_refuse(struct token *token)
{
    atomic_store(&token->shared->refused, token->copy.version);
    uint32_t wish = atomic_fetch_add(&token->shared->asked, 1) + 1;

    token_ring();
    return wish;
}

bool token_has_dealt_with(const struct token *token, uint32_t wish)
{
    return (int32_t)(atomic_load(&token->shared->dealt) - wish) >= 0;
}

void token_set_bell(int fd)
{
    bell = fd;
}

int token_bell(void)
{
    return bell;
}

void token_ring(void)
{
    const uint64_t one = 1;

    if (bell >= 0)
        (void)!write(bell, &one, sizeof one);
}

/* ---- the keeper's part ---- */

/* Wakes all who wait. */
static void tell(struct token *token)
{
    atomic_fetch_add(&token->shared->news, 1);
    syscall(SYS_futex, &token->shared->news, FUTEX_WAKE, 0x7FFFFFFF, NULL, NULL, 0);
}

void token_note_begin(struct token *token)
{
    atomic_store(&token->shared->busy, true);
}

static void set_error(struct token *token, const char *error)
{
    struct slice text = slice_of(error);

    if (text.len >= TOKEN_ERROR_BYTES)
        text.len = TOKEN_ERROR_BYTES - 1;
    publication_put(token->error, text, 0);
}

void token_note_failure(struct token *token, const char *error, long long next_ms)
{
    set_error(token, error);
    atomic_fetch_add(&token->shared->failures, 1);
    atomic_store(&token->shared->next_ms, next_ms);
    atomic_store(&token->shared->busy, false);
    tell(token);
}

bool token_publish(struct token *token, struct slice text, long long until_ms, long long next_ms)
{
    if (!publication_put(token->text, text, until_ms))
        return false;
    set_error(token, "");
    atomic_fetch_add(&token->shared->fetches, 1);
    atomic_store(&token->shared->begun_ms, token_now_ms());
    atomic_store(&token->shared->next_ms, next_ms);
    atomic_store(&token->shared->busy, false);
    tell(token);
    return true;
}

void token_withdraw(struct token *token)
{
    struct publication_copy copy = {0};

    if (publication_get(token->text, &copy) && copy.len > 0) {
        publication_put(token->text, (struct slice){NULL, 0}, 0);
        tell(token);
    }
    publication_forget(&copy);
}

bool token_is_refused(const struct token *token, uint32_t *wishes)
{
    *wishes = atomic_load(&token->shared->asked);
    return *wishes != atomic_load(&token->shared->dealt) &&
           atomic_load(&token->shared->refused) == publication_version(token->text);
}

void token_deal(struct token *token, uint32_t wishes)
{
    if (atomic_exchange(&token->shared->dealt, wishes) != wishes)
        tell(token);
}

/* ---- reading ---- */

static void read_error(const struct token *token, char error[TOKEN_ERROR_BYTES])
{
    struct publication_copy copy = {0};

    publication_get(token->error, &copy);
    snprintf(error, TOKEN_ERROR_BYTES, "%.*s", (int)copy.len, copy.len > 0 ? copy.text : "");
    publication_forget(&copy);
}

void token_read_state(const struct token *token, struct token_state *state)
{
    const struct shared *shared = token->shared;
    struct publication_copy copy = {0};
    long long now = token_now_ms();

    publication_get(token->text, &copy);
    bool is_there = copy.len > 0;
    long long next = atomic_load(&shared->next_ms);
    long long next_left = next > now ? next - now : 0;
    *state = (struct token_state){
        .valid = is_there && now < copy.until,
        .has_end = copy.until != TOKEN_FOREVER,
        .age_ms = is_there ? now - atomic_load(&shared->begun_ms) : -1,
        .next_ms = next == 0 || next == TOKEN_FOREVER ? -1 : next_left,
        .fetches = atomic_load(&shared->fetches),
        .failures = atomic_load(&shared->failures),
        .refusals = atomic_load(&shared->asked),
    };
    if (state->valid && state->has_end)
        state->left_ms = copy.until - now;
    publication_forget(&copy);
    read_error(token, state->error);
}
