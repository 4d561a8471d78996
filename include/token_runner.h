/* token_runner: sees to it that there is a token: when it is to be fetched, by which means, what
 * becomes of the outcome, and when it is tried again. One at a time for each token; several tokens
 * go on side by side. */
#ifndef AUTHBRIDGE_TOKEN_RUNNER_H
#define AUTHBRIDGE_TOKEN_RUNNER_H

#include "command.h"
#include "config.h"
#include "secret.h"
#include "token_fetch.h"

#define TOKEN_RUNNER_FDS 2u /* that one can have to be waited on, besides libcurl's */

struct token_runner {
    const struct config_token *config;
    CURLM *multi;
    const struct config *whole;
    long long due_ms;     /* of the next try, as token_now_ms tells time */
    long long refused_ms; /* when one was last made for a refusal; 0: never */
    long long until_ms;   /* of the token in force; 0: there is none */
    long long delay_ms;   /* until the try after the next failure */
    bool is_running;
    bool has_wishes; /* children want another token, and will be told when the try has ended */
    uint32_t wishes;
    struct token_fetch fetch;
    struct command command;
    struct secret *secret; /* of a file, once it could be read */
    long long logged_ms;
    bool is_logged;                /* the failure at hand, by who found it */
    char error[TOKEN_ERROR_BYTES]; /* of the last failure; "" after a success */
};

/* Begins where another process may have left off: a token that is valid stays in force. */
void token_runner_init(struct token_runner *runner, const struct config_token *token,
                       const struct config *config, CURLM *multi);

/* Does what is due, and takes what a command has written. */
void token_runner_step(struct token_runner *runner);

/* When there is something to do at the latest (token_now_ms). */
long long token_runner_due(const struct token_runner *runner);

/* The transfer that has this runner for its owner has ended. */
void token_runner_finish(struct token_runner *runner, CURLcode code);

/* The descriptors to wait on for reading: how many there are. */
size_t token_runner_fds(const struct token_runner *runner, int fds[TOKEN_RUNNER_FDS]);

/* Ends what is under way, and wipes what it held. */
void token_runner_end(struct token_runner *runner);

#endif
