/* standby_child: what a child that was forked ahead does: it connects to the target, keeps that
 * connection fresh, and serves the clients that it is handed. */
#ifndef AUTHBRIDGE_STANDBY_CHILD_H
#define AUTHBRIDGE_STANDBY_CHILD_H

#include "config.h"
#include "trust.h"

#define STANDBY_NAME "ab-standby" /* in ps(1), until it has a client */

/* Serves the connections that come through the channel, config->recycle at most, in this process,
 * and ends it; at once when the channel ends. */
_Noreturn void standby_run(int channel, int returns, const struct config *config,
                           const struct trust *trust);

#endif
