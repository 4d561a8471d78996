/* privileges: how a master that was started as root becomes somebody else. */
#ifndef AUTHBRIDGE_PRIVILEGES_H
#define AUTHBRIDGE_PRIVILEGES_H

#include <stdbool.h>

#define PRIVILEGES_ERROR_BYTES 256u

/* Whether this process can become that user, or is it already. false, with error filled, when there
 * is no such user, when it is root, or when only root could. */
bool privileges_may_become(const char *user, char error[PRIVILEGES_ERROR_BYTES]);

/* Becomes that user, with its groups and without a way back; nothing is done when this process is
 * that user. Once only, before there is a thread. false, with error filled, when it did not work:
 * the process may have lost a part of its privileges then, and must end. */
bool privileges_become(const char *user, char error[PRIVILEGES_ERROR_BYTES]);

/* What to do about a file that cannot be read for that error, as the end of a message; "" unless it
 * is for want of permission. */
const char *privileges_advice(int error);

/* No core file, and no ptrace(2) by others: there are secrets in this process and its children.
 * Does nothing in checking builds, whose leak checker traces the process itself. */
void privileges_hide_memory(void);

#endif
