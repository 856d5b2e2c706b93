/* For each role: what it needs works, and what it must not do fails, tried for real in a process that has entered it.
 * The attempt's number of the error comes back as its exit status; an attempt that the filter kills dies of SIGSYS. */
#include "sandbox/role.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/auto.h"

#define KILLED   1000 /* by SIGSYS */
#define NOT_DONE 1001

static int work_dir = -1; /* the directory of role unpack */

static int result_of(long returned)
{
    return returned >= 0 ? 0 : errno;
}

/* Enters the role in a process of its own and makes the attempt there: 0, the attempt's errno, or KILLED. */
static int attempt(enum sandbox_role role, int (*try)(void))
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct err e = {0};
        if (sandbox_enter(role, role == ROLE_UNPACK ? work_dir : -1, &e) < 0) {
            dprintf(2, "# %s\n", e.msg);
            _exit(255);
        }
        _exit(try());
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFSIGNALED(status))
        return WTERMSIG(status) == SIGSYS ? KILLED : NOT_DONE;
    assert_int_not_equal(WEXITSTATUS(status), 255);
    return WEXITSTATUS(status);
}

/* ── attempts ── */

static int try_open(void)
{
    return result_of(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
}
static int try_create(void)
{
    return result_of(open("/tmp/airlock-role-test", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}
static int try_open_by_handle(void)
{
    return result_of(syscall(SYS_open_by_handle_at, AT_FDCWD, NULL, O_RDONLY));
}
static int try_stat(void)
{
    struct stat st;
    return result_of(stat("/etc/passwd", &st));
}
static int try_unlink(void)
{
    return result_of(unlink("/tmp/airlock-role-test-that-is-not-there"));
}
static int try_tcp_socket(void)
{
    return result_of(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
}
static int try_unix_socket(void)
{
    return result_of(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}
static int try_socketpair(void)
{
    int pair[2];
    return result_of(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
}
static int try_bind(void)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    return result_of(bind(0, (struct sockaddr *)&any, sizeof(any)));
}
static int try_connect(void)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_port = htons(9)};
    return result_of(connect(0, (struct sockaddr *)&any, sizeof(any)));
}
static int try_exec(void)
{
    char *const argv[] = {(char *)(uintptr_t) "true", NULL};
    return result_of(execve("/bin/true", argv, NULL));
}
static int try_fork(void)
{
    return result_of(fork());
}
static int try_ptrace(void)
{
    return result_of(ptrace(PTRACE_ATTACH, getppid(), 0, 0));
}
static int try_read_other_memory(void)
{
    return result_of(syscall(SYS_process_vm_readv, getpid(), NULL, 0, NULL, 0, 0));
}
static int try_kill_parent(void)
{
    return result_of(syscall(SYS_tgkill, 1, 1, 0));
}
static int try_unshare(void)
{
    return result_of(unshare(CLONE_NEWUSER));
}
static int try_mount(void)
{
    return result_of(syscall(SYS_mount, "none", "/mnt", "tmpfs", 0, NULL));
}
static int try_bpf(void)
{
    return result_of(syscall(SYS_bpf, 0, NULL, 0));
}
static int try_keyring(void)
{
    return result_of(syscall(SYS_add_key, "user", "a", "b", 1, 0));
}
static int try_io_uring(void)
{
    return result_of(syscall(SYS_io_uring_setup, 1, NULL));
}
static int try_executable_memory(void)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? errno : 0;
}
static int try_making_memory_executable(void)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? NOT_DONE : result_of(mprotect(p, 4096, PROT_READ | PROT_EXEC));
}
static int try_raise_limits(void)
{
    struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};
    return result_of(setrlimit(RLIMIT_DATA, &none));
}
static int try_device(void)
{
    return result_of(mknodat(work_dir, "device", S_IFCHR | 0600, 0x103));
}

static int do_compute(void)
{
    char *p = malloc(5 << 20);
    if (!p)
        return ENOMEM;
    memset(p, 1, 5 << 20);
    free(p);
    return 0;
}
static int do_unpack(void)
{
    int fd, inner;
    if (mkdirat(work_dir, "d", 0755) < 0 || (inner = openat(work_dir, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0 ||
        (fd = openat(inner, "f", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) < 0 || write(fd, "x", 1) != 1 ||
        fchmod(fd, 0755) < 0 || symlinkat("f", inner, "link") < 0 || linkat(inner, "f", inner, "hard", 0) < 0 ||
        renameat2(inner, "hard", work_dir, "moved", 0) < 0 || fsync(fd) < 0)
        return errno;
    return 0;
}
static int do_poll(void)
{
    return result_of(syscall(SYS_ppoll, NULL, 0, &(struct timespec){0}, NULL, 8));
}

struct attempt {
    const char *what;
    int (*try)(void);
    int wanted;
};

static const struct attempt EVERYWHERE[] = {
    {"TCP socket", try_tcp_socket, KILLED},
    {"unix socket", try_unix_socket, KILLED},
    {"socketpair", try_socketpair, KILLED},
    {"bind", try_bind, KILLED},
    {"connect", try_connect, KILLED},
    {"execve", try_exec, KILLED},
    {"fork", try_fork, KILLED},
    {"ptrace", try_ptrace, KILLED},
    {"process_vm_readv", try_read_other_memory, KILLED},
    {"a signal to another process", try_kill_parent, KILLED},
    {"unshare", try_unshare, KILLED},
    {"mount", try_mount, KILLED},
    {"bpf", try_bpf, KILLED},
    {"add_key", try_keyring, KILLED},
    {"io_uring", try_io_uring, KILLED},
    {"open_by_handle_at", try_open_by_handle, KILLED},
    {"executable memory", try_executable_memory, KILLED},
    {"making memory executable", try_making_memory_executable, KILLED},
    {"raising limits", try_raise_limits, EPERM},
};

static const struct attempt NO_PATHS[] = {
    {"open a file", try_open, EPERM}, {"create a file", try_create, EPERM}, {"stat", try_stat, EPERM},
    {"unlink", try_unlink, KILLED},   {"mknod", try_device, KILLED},
};

static const struct attempt ONE_TREE[] = {
    {"open a file elsewhere", try_open, EACCES},
    {"create a file elsewhere", try_create, EACCES},
    {"mknod in its own tree", try_device, KILLED},
};

static void each_fails(enum sandbox_role role, const struct attempt *attempts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int got = attempt(role, attempts[i].try);
        if (got != attempts[i].wanted)
            print_message("# role %s, %s: got %d, wanted %d\n", sandbox_role_name(role), attempts[i].what, got,
                          attempts[i].wanted);
        assert_int_equal(got, attempts[i].wanted);
    }
}

static void the_parse_role_computes_and_nothing_else(void **state)
{
    (void)state;
    assert_int_equal(attempt(ROLE_PARSE, do_compute), 0);
    each_fails(ROLE_PARSE, EVERYWHERE, ARRAY_LEN(EVERYWHERE));
    each_fails(ROLE_PARSE, NO_PATHS, ARRAY_LEN(NO_PATHS));
}

static void the_unpack_role_writes_below_its_directory_and_nowhere_else(void **state)
{
    (void)state;
    if (syscall(444, NULL, 0, 1) < 1) {
        print_message("# no Landlock here: that the role refuses to start is tested instead\n");
        struct err e = {0};
        pid_t pid = fork();
        if (pid == 0)
            _exit(sandbox_enter(ROLE_UNPACK, work_dir, &e) < 0 && e.code == ERR_SYSTEM ? 0 : 1);
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        return;
    }
    assert_int_equal(attempt(ROLE_UNPACK, do_unpack), 0);
    each_fails(ROLE_UNPACK, EVERYWHERE, ARRAY_LEN(EVERYWHERE));
    each_fails(ROLE_UNPACK, ONE_TREE, ARRAY_LEN(ONE_TREE));
}

static void the_stub_role_waits_on_its_sockets_and_nothing_else(void **state)
{
    (void)state;
    assert_int_equal(attempt(ROLE_STUB, do_poll), 0);
    each_fails(ROLE_STUB, EVERYWHERE, ARRAY_LEN(EVERYWHERE));
    each_fails(ROLE_STUB, NO_PATHS, ARRAY_LEN(NO_PATHS));
}

/* The same attempts succeed outside a role: so it is the role that makes them fail. */
static void without_a_role_the_same_attempts_are_not_stopped(void **state)
{
    (void)state;
    assert_int_equal(try_open(), 0);
    assert_int_equal(try_tcp_socket(), 0);
    assert_int_equal(try_socketpair(), 0);
    assert_int_equal(try_executable_memory(), 0);
    assert_int_equal(try_stat(), 0);
}

static void capabilities_are_gone_for_good(void **state)
{
    (void)state;
    pid_t pid = fork();
    if (pid == 0) {
        char text[4096] = "";
        struct err e = {0};
        int own = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
        if (sandbox_enter(ROLE_PARSE, -1, &e) < 0 || read(own, text, sizeof(text) - 1) <= 0)
            _exit(1);
        if (!strstr(text, "NoNewPrivs:\t1") || !strstr(text, "Seccomp:\t2"))
            _exit(2);
        if (!strstr(text, "CapEff:\t0000000000000000") || !strstr(text, "CapPrm:\t0000000000000000"))
            _exit(3);
        _exit(0);
    }
    int ended;
    assert_int_equal(waitpid(pid, &ended, 0), pid);
    assert_true(WIFEXITED(ended));
    assert_int_equal(WEXITSTATUS(ended), 0);
}

static void a_directory_belongs_to_the_unpack_role_alone(void **state)
{
    (void)state;
    struct err e = {0};
    assert_int_equal(sandbox_enter(ROLE_PARSE, work_dir, &e), -1);
    assert_int_equal(e.code, ERR_USAGE);
    assert_int_equal(sandbox_enter(ROLE_UNPACK, -1, &e), -1);
    assert_int_equal(e.code, ERR_USAGE);
}

static char work_path[] = "/tmp/airlock-role-XXXXXX";

static int make_work_dir(void **state)
{
    (void)state;
    if (!mkdtemp(work_path))
        return -1;
    work_dir = open(work_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return work_dir < 0 ? -1 : 0;
}

static int remove_work_dir(void **state)
{
    (void)state;
    const char *const left[] = {"d/f", "d/link", "moved"};
    for (size_t i = 0; i < ARRAY_LEN(left); i++)
        unlinkat(work_dir, left[i], 0);
    unlinkat(work_dir, "d", AT_REMOVEDIR);
    close(work_dir);
    return rmdir(work_path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_parse_role_computes_and_nothing_else),
        cmocka_unit_test(the_unpack_role_writes_below_its_directory_and_nowhere_else),
        cmocka_unit_test(the_stub_role_waits_on_its_sockets_and_nothing_else),
        cmocka_unit_test(without_a_role_the_same_attempts_are_not_stopped),
        cmocka_unit_test(capabilities_are_gone_for_good),
        cmocka_unit_test(a_directory_belongs_to_the_unpack_role_alone),
    };
    return cmocka_run_group_tests(tests, make_work_dir, remove_work_dir);
}
