/* command: a program that is run for what it writes to standard output, without a shell, within a
 * time, and with nothing of this process's but its environment. It is driven step by step, so that
 * other work goes on meanwhile. */
#ifndef AUTHBRIDGE_COMMAND_H
#define AUTHBRIDGE_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "slice.h"

#define COMMAND_ERROR_BYTES     256u
#define COMMAND_COMPLAINT_BYTES 160u /* of standard error, its first line */

enum command_state { COMMAND_NONE, COMMAND_RUNNING, COMMAND_SUCCEEDED, COMMAND_FAILED };

struct command {
    enum command_state state;
    pid_t pid;
    int out, err; /* its standard output and error; -1: ended */
    char *output;
    size_t len, cap;
    char complaint[COMMAND_COMPLAINT_BYTES];
    size_t complaint_len;
    long long deadline_ms;           /* clock_now_ms */
    char error[COMMAND_ERROR_BYTES]; /* after COMMAND_FAILED; nothing of its output stands in it */
};

/* Starts argv[0] with that vector. Output of more than cap octets, an exit status other than 0, and
 * no end within timeout_ms are failures. The outcome is in state, at once when it cannot be
 * started.
 */
void command_start(struct command *command, char *const argv[], size_t cap, long long timeout_ms);

/* Moves it on: takes what it has written, and notes its end. To be called when one of its
 * descriptors is readable, and at command_due. */
void command_step(struct command *command);
long long command_due(const struct command *command);

/* What it wrote, without white space at both ends. */
struct slice command_output(const struct command *command);

/* Ends it where it still runs, and wipes what it wrote. */
void command_end(struct command *command);

#endif
