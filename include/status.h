/* status: one connection to the status listener: the page, the report, the metrics, the health. */
#ifndef AUTHBRIDGE_STATUS_H
#define AUTHBRIDGE_STATUS_H

#include "address.h"
#include "status_report.h"

/* Serves a connected, non-blocking socket in this process, which was forked for it, and ends the
 * process. */
_Noreturn void status_serve(int fd, const struct address *peer, const struct status_facts *facts);

#endif
