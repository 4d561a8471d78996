/* command: a program that is run for what it writes. */
#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"

#define REAP_MS     10 /* between two looks at whether it has ended, once its output has */
#define CANNOT_EXEC 127
#define DISCARDED   4096u

#define TELLING_BYTES 8u /* of an output, by which it is known again */

static void fail(struct command *command, const char *what, int number)
{
    command->state = COMMAND_FAILED;
    snprintf(command->error, sizeof command->error, "%s: %s", what, strerror(number));
}

/* ---- its start ---- */

/* Becomes the program, with standard output and error as given and nothing else open. Only calls
 * that are safe behind a fork of a process with threads. */
static _Noreturn void become(char *const argv[], int out, int err, pid_t parent)
{
    sigset_t none;

    sigemptyset(&none);
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    int null = open("/dev/null", O_RDONLY);
    if (getppid() == parent && null >= 0 && dup2(null, STDIN_FILENO) >= 0 &&
        dup2(out, STDOUT_FILENO) >= 0 && dup2(err, STDERR_FILENO) >= 0) {
        close_range(STDERR_FILENO + 1, ~0U, 0);
        execv(argv[0], argv);
    }
    _exit(CANNOT_EXEC);
}

static void close_pair(const int ends[2])
{
    close(ends[0]);
    close(ends[1]);
}

static bool open_pipes(int out[2], int err[2])
{
    if (pipe2(out, O_CLOEXEC) != 0)
        return false;
    if (pipe2(err, O_CLOEXEC) != 0) {
        close_pair(out);
        return false;
    }
    fcntl(out[0], F_SETFL, O_NONBLOCK);
    fcntl(err[0], F_SETFL, O_NONBLOCK);
    return true;
}

void command_start(struct command *command, char *const argv[], size_t cap, long long timeout_ms)
{
    pid_t parent = getpid();
    int out[2];
    int err[2];

    *command = (struct command){.state = COMMAND_RUNNING,
                                .out = -1,
                                .err = -1,
                                .cap = cap,
                                .deadline_ms = clock_now_ms() + timeout_ms};
    command->output = malloc(cap + 1);
    if (command->output == NULL || !open_pipes(out, err)) {
        fail(command, "it cannot be started", command->output == NULL ? ENOMEM : errno);
        return;
    }
    command->pid = fork();
    if (command->pid == 0)
        become(argv, out[1], err[1], parent);
    int number = errno;
    close(out[1]);
    close(err[1]);
    command->out = out[0];
    command->err = err[0];
    if (command->pid < 0)
        fail(command, "it cannot be started", number);
    else
        setpgid(command->pid, command->pid); /* whoever of the two comes first */
}

/* ---- what it writes ---- */

/* Closes a descriptor that has ended. */
static void close_end(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void take_output(struct command *command)
{
    while (command->out >= 0 && command->len <= command->cap) {
        ssize_t got =
            read(command->out, command->output + command->len, command->cap + 1 - command->len);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (got <= 0)
            close_end(&command->out);
        else
            command->len += (size_t)got;
    }
}

/* Keeps the first line, as far as there is room, in visible ASCII. */
static void take_complaint(struct command *command)
{
    char octets[DISCARDED];
    ssize_t got;

    while (command->err >= 0 && (got = read(command->err, octets, sizeof octets)) != -1) {
        if (got == 0)
            close_end(&command->err);
        for (ssize_t i = 0; i < got && command->complaint_len + 1 < sizeof command->complaint;
             i++) {
            char c = octets[i];
            bool ends = c == '\n' && command->complaint_len > 0;
            if (ends)
                command->complaint_len = sizeof command->complaint - 1;
            else if (c != '\n')
                command->complaint[command->complaint_len++] =
                    (char)(c >= 0x20 && c < 0x7F ? c : '?');
        }
    }
}

struct slice command_output(const struct command *command)
{
    struct slice text = {command->output, command->len};

    while (text.len > 0 && strchr(" \t\r\n", text.at[text.len - 1]) != NULL)
        text.len--;
    while (text.len > 0 && strchr(" \t\r\n", text.at[0]) != NULL) {
        text.at++;
        text.len--;
    }
    return text;
}

/* ---- its end ---- */

static void kill_group(struct command *command)
{
    if (command->pid <= 0)
        return;
    kill(-command->pid, SIGKILL);
    kill(command->pid, SIGKILL);
    waitpid(command->pid, NULL, 0);
    command->pid = 0;
}

/* Whether what it complains about could tell what it gave out: the beginning of that is enough,
 * for a complaint is kept in part. */
static bool tells_output(const struct command *command)
{
    struct slice output = command_output(command);

    if (output.len > TELLING_BYTES)
        output.len = TELLING_BYTES;
    return output.len > 0 &&
           memmem(command->complaint, strlen(command->complaint), output.at, output.len) != NULL;
}

static void note_status(struct command *command, int status)
{
    const char *complaint = tells_output(command) ? "" : command->complaint;

    command->state = COMMAND_FAILED;
    if (WIFSIGNALED(status))
        snprintf(command->error, sizeof command->error, "it was ended by signal %d",
                 WTERMSIG(status));
    else if (WEXITSTATUS(status) == CANNOT_EXEC)
        snprintf(command->error, sizeof command->error, "it cannot be run");
    else if (WEXITSTATUS(status) != 0)
        snprintf(command->error, sizeof command->error, "it ended with status %d%s%s",
                 WEXITSTATUS(status), complaint[0] != '\0' ? ": " : "", complaint);
    else
        command->state = COMMAND_SUCCEEDED;
}

void command_step(struct command *command)
{
    int status;

    if (command->state != COMMAND_RUNNING)
        return;
    take_output(command);
    take_complaint(command);
    if (command->len > command->cap) {
        kill_group(command);
        command->state = COMMAND_FAILED;
        snprintf(command->error, sizeof command->error, "its output is longer than %zu bytes",
                 command->cap);
    } else if (command->out < 0 && waitpid(command->pid, &status, WNOHANG) == command->pid) {
        command->pid = 0;
        take_complaint(command);
        note_status(command, status);
    } else if (clock_now_ms() >= command->deadline_ms) {
        kill_group(command);
        command->state = COMMAND_FAILED;
        snprintf(command->error, sizeof command->error, "it did not end in time (timeout)");
    }
}

long long command_due(const struct command *command)
{
    if (command->state != COMMAND_RUNNING)
        return clock_now_ms();
    return command->out >= 0 ? command->deadline_ms : clock_now_ms() + REAP_MS;
}

void command_end(struct command *command)
{
    if (command->state == COMMAND_NONE)
        return;
    kill_group(command);
    close_end(&command->out);
    close_end(&command->err);
    if (command->output != NULL)
        explicit_bzero(command->output, command->len);
    free(command->output);
    *command = (struct command){.out = -1, .err = -1};
}
