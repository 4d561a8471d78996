/* token: an access token that the keeper gets and all children use: in memory that they share, with
 * what is known of it. The keeper alone writes tokens; a child keeps a copy of its own, which is
 * brought up to date without a system call. */
#ifndef AUTHBRIDGE_TOKEN_H
#define AUTHBRIDGE_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "secret.h"
#include "slice.h"

#define TOKEN_BYTES_MAX   SECRET_BYTES_MAX
#define TOKEN_ERROR_BYTES 256u
#define TOKEN_FOREVER     0x7FFFFFFFFFFFFFFFLL /* until when a token without an end is valid */

struct token;

/* Makes an empty one, before the forks of those that use it. NULL without memory. */
struct token *token_new(const char *name);

/* Wipes and frees this process's part. Others go on with theirs. */
void token_free(struct token *token);

/* Takes the memory of a token with the same settings over, from a configuration that is about to be
 * freed: who uses that one sees what happens to this one. */
void token_adopt(struct token *token, struct token *from);

/* Tells all who use it that no keeper will renew it: its configuration is not in force any more. */
void token_retire(struct token *token);
bool token_is_retired(const struct token *token);

const char *token_name(const struct token *token);

/* Milliseconds since some fixed point, by a clock that also runs while the machine sleeps: a token
 * gets older then, too. */
long long token_now_ms(void);

/* ---- a child's part ---- */

/* Brings the copy up to date. Whether it is a token that is valid now. */
bool token_refresh(struct token *token);

/* The copy; empty where there is none. Valid until the next token_refresh. */
struct slice token_text(const struct token *token);

/* Whether one may come by then, as token_now_ms tells time: it is being fetched, or will be. */
bool token_may_come(const struct token *token, long long by_ms);

/* A number that is another one whenever something has happened to the token; and a wait, of some
 * milliseconds at most, for it not to be the one given. */
uint32_t token_news(const struct token *token);
void token_await_news(struct token *token, uint32_t seen, long long ms);

/* Whether there is a token that is valid and another one than the copy, which stays as it is. */
bool token_has_successor(const struct token *token);

/* The target has refused the copy: asks the keeper for another token, and says the number of that
 * wish. Then, whether the keeper has dealt with it. */
uint32_t token_refuse(struct token *token);
bool token_has_dealt_with(const struct token *token, uint32_t wish);

/* Where a child tells the keeper that it has a look to do: an eventfd(2), or -1. */
void token_set_bell(int fd);
int token_bell(void);
void token_ring(void);

/* ---- the keeper's part ---- */

/* It is being fetched; or, by failing, will be again at next_ms; or has been: it is valid until
 * then, and the next one is fetched at next_ms. Each ends what was begun before. false: it is too
 * long. */
void token_note_begin(struct token *token);
void token_note_failure(struct token *token, const char *error, long long next_ms);
bool token_publish(struct token *token, struct slice text, long long until_ms, long long next_ms);

/* There is no token any more: it has expired, or its source has none. */
void token_withdraw(struct token *token);

/* Whether children have asked for another one in place of the one in force; how many have asked, to
 * be given to token_deal once that has been dealt with. */
bool token_is_refused(const struct token *token, uint32_t *wishes);
void token_deal(struct token *token, uint32_t wishes);

/* ---- reading, for people ---- */

struct token_state {
    bool valid;
    bool has_end;      /* it expires */
    long long age_ms;  /* of the token in force; -1: there is none */
    long long left_ms; /* until it expires; 0 without one */
    long long next_ms; /* until the next fetch; -1: not known */
    unsigned long long fetches, failures, refusals;
    char error[TOKEN_ERROR_BYTES]; /* why the last fetch failed; "": it did not */
};

void token_read_state(const struct token *token, struct token_state *state);

#endif
