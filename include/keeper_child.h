/* keeper_child: what the keeper does: it gets the tokens of a configuration, and gets them again in
 * time, as long as its master wants it to. */
#ifndef AUTHBRIDGE_KEEPER_CHILD_H
#define AUTHBRIDGE_KEEPER_CHILD_H

#include <stdbool.h>

#include "config.h"

#define KEEPER_NAME "ab-keeper" /* in ps(1) */

/* Works in this process, which was forked for it, until the channel ends, and ends it. */
_Noreturn void keeper_run(int channel, const struct config *config);

/* Gets each token once, in a process that does nothing else meanwhile. false when memory is short:
 * what became of each is told by its state (token_read_state). */
bool keeper_try_once(const struct config *config);

#endif
