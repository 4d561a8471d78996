/* privileges: how a master that was started as root becomes somebody else. */
#include "privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static const struct passwd *find_user(const char *user, char error[PRIVILEGES_ERROR_BYTES])
{
    const struct passwd *entry = getpwnam(user);

    if (entry == NULL)
        snprintf(error, PRIVILEGES_ERROR_BYTES,
                 "there is no user of that name: create it, for example by useradd --system %.60s",
                 user);
    return entry;
}

bool privileges_may_become(const char *user, char error[PRIVILEGES_ERROR_BYTES])
{
    const struct passwd *entry = find_user(user, error);

    if (entry == NULL)
        return false;
    if (entry->pw_uid == 0)
        snprintf(error, PRIVILEGES_ERROR_BYTES, "root keeps all privileges: give another user");
    else if (geteuid() != 0 && geteuid() != entry->pw_uid)
        snprintf(error, PRIVILEGES_ERROR_BYTES,
                 "only root can become another user: start as root, or as %.60s, or take user out",
                 user);
    else
        return true;
    return false;
}

const char *privileges_advice(int error)
{
    return error == EACCES ? "; let the user whom the bridge runs as read it" : "";
}

void privileges_hide_memory(void)
{
#ifndef AUTHBRIDGE_TRACEABLE
    prctl(PR_SET_DUMPABLE, 0);
#endif
}

/* Whether nothing of root is left, nor can be had again. */
static bool is_only(uid_t uid, gid_t gid)
{
    uid_t uids[3];
    gid_t gids[3];

    if (getresuid(&uids[0], &uids[1], &uids[2]) != 0 ||
        getresgid(&gids[0], &gids[1], &gids[2]) != 0)
        return false;
    for (int i = 0; i < 3; i++)
        if (uids[i] != uid || gids[i] != gid)
            return false;
    return setuid(0) != 0 && seteuid(0) != 0 && (gid == 0 || setegid(0) != 0);
}

bool privileges_become(const char *user, char error[PRIVILEGES_ERROR_BYTES])
{
    const struct passwd *entry = find_user(user, error);

    if (entry == NULL)
        return false;
    if (geteuid() == entry->pw_uid)
        return true;
    if (initgroups(user, entry->pw_gid) != 0 ||
        setresgid(entry->pw_gid, entry->pw_gid, entry->pw_gid) != 0 ||
        setresuid(entry->pw_uid, entry->pw_uid, entry->pw_uid) != 0) {
        snprintf(error, PRIVILEGES_ERROR_BYTES, "cannot become user %.60s: %s", user,
                 strerror(errno));
        return false;
    }
    if (!is_only(entry->pw_uid, entry->pw_gid)) {
        snprintf(error, PRIVILEGES_ERROR_BYTES, "user %.60s can become root again: it must not",
                 user);
        return false;
    }
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    privileges_hide_memory(); /* which a change of user sets to what fs.suid_dumpable says */
    return true;
}
