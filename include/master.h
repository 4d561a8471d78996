/* master: the accept loop, one child per connection; signals, limits, reload, drain. It never
 * parses HTTP, never touches libcurl's transfers, and never waits for a client or a target. */
#ifndef AUTHBRIDGE_MASTER_H
#define AUTHBRIDGE_MASTER_H

#include "config.h"
#include "service.h"

/* Serves until SIGTERM or SIGINT, then drains. Takes the configuration over; source is read
 * again on SIGHUP. Inherited sockets are service's. on_ready, unless NULL, is called once with the
 * first address that is listened on. Returns the process's exit status: 0, or, when it could not
 * start and an error has been logged, EX_OSERR (71) or EX_CONFIG (78). */
int master_run(const struct config_source *source, struct config *config, struct service *service,
               void (*on_ready)(const char *address));

#endif
