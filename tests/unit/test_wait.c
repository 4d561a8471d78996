/* Tests of wait: a request to drain that comes at the worst moment, just before the wait begins. */
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "support.h"
#include "wait.h"

#if defined(__x86_64__)
#include <sys/ptrace.h>
#include <sys/user.h>

#define ALARM_S      5
#define SYSCALL      0x050FL /* the instruction, as two octets are read */
#define SYSCALL_BITS 0xFFFFL

/* The child: says by its exit status whether the wait was ended by the request to drain. */
static _Noreturn void wait_traced(void)
{
    wait_init();
    alarm(ALARM_S);
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0 || raise(SIGSTOP) != 0)
        _exit(2);
    _exit(wait_ready(NULL, 0, CLOCK_NEVER) == -1 && wait_is_draining() ? 0 : 1);
}

static bool is_at_wait(pid_t child)
{
    struct user_regs_struct registers;

    assert_int_equal(ptrace(PTRACE_GETREGS, child, NULL, &registers), 0);
    if (registers.rax != SYS_ppoll)
        return false;
    return (ptrace(PTRACE_PEEKTEXT, child, (void *)registers.rip, NULL) & SYSCALL_BITS) == SYSCALL;
}

/* Runs the child up to the instruction that enters the kernel. */
static void step_to_wait(pid_t child)
{
    int status;

    do {
        assert_int_equal(ptrace(PTRACE_SINGLESTEP, child, NULL, NULL), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP);
    } while (!is_at_wait(child));
}

static void test_a_drain_just_before_a_wait_ends_it(void)
{
    int status;
    pid_t child = fork();

    if (child == 0)
        wait_traced();
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    step_to_wait(child);
    assert_int_equal(ptrace(PTRACE_CONT, child, NULL, (void *)(long)SIGTERM), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status))
        kill(child, SIGKILL);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}
#else
static void test_a_drain_just_before_a_wait_ends_it(void)
{
    skip(); /* it needs to know the machine's instructions */
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_drain_just_before_a_wait_ends_it),
    };

    return cmocka_run_group_tests_name("wait", tests, NULL, NULL);
}
