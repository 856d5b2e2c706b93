/* What a box is besides closed: what is mounted, what is told, how it ends, what happens when somebody dies. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "box_fixture.h"
#include "sandbox/host.h"
#include "util/auto.h"
#include "util/clock.h"
#include "util/file.h"

#define MEMORY_LIMIT (64ULL << 20)

/* ── inside ── */

static int print_file(const char *path)
{
    char bytes[4096];
    auto_fd fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, bytes, sizeof(bytes));
    return got < 0 || write(STDOUT_FILENO, bytes, (size_t)got) != got ? errno : 0;
}

static int serve_one(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
    auto_fd server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(server, (const struct sockaddr *)&at, sizeof(at)) < 0 || listen(server, 1) < 0)
        return errno;
    auto_fd client = accept(server, NULL, NULL);
    return client >= 0 && write(client, "hello", 5) == 5 ? 0 : errno;
}

static int use_memory(void)
{
    for (int i = 0; i < 64; i++) { /* 256 MiB */
        char *page = mmap(NULL, 4U << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (page == MAP_FAILED)
            return ENOMEM;
        memset(page, 1, 4U << 20);
    }
    return 0;
}

static int fork_many(int wanted)
{
    for (int i = 0; i < wanted; i++) {
        pid_t pid = fork();
        if (pid < 0)
            return errno;
        if (pid == 0) {
            pause();
            _exit(0);
        }
    }
    return 0;
}

static int leave_a_daemon(void)
{
    if (fork() == 0) {
        setsid();
        signal(SIGTERM, SIG_IGN);
        if (fork() == 0)
            for (;;)
                pause();
        _exit(0);
    }
    usleep(50000);
    return 0;
}

static void say_bye(int signal_number)
{
    (void)signal_number;
    _exit(7);
}

static int inside(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "", *with = argc > 2 ? argv[2] : "";
    if (strcmp(what, "print") == 0)
        return print_file(with);
    if (strcmp(what, "write") == 0)
        return open(with, O_WRONLY | O_CREAT, 0644) < 0 ? errno : 0;
    if (strcmp(what, "serve") == 0)
        return serve_one(with);
    if (strcmp(what, "memory") == 0)
        return use_memory();
    if (strcmp(what, "forks") == 0)
        return fork_many(400);
    if (strcmp(what, "daemon") == 0)
        return leave_a_daemon();
    if (strcmp(what, "environment") == 0)
        return environ[0] && strcmp(environ[0], "ONLY=this") == 0 && !environ[1] ? 0 : 1;
    signal(SIGTERM, strcmp(what, "polite") == 0 ? say_bye : SIG_IGN);
    if (write(STDOUT_FILENO, "up\n", 3) != 3)
        return 1;
    for (;;)
        pause();
}

/* ── outside ── */

static char scratch[64];

static int make_scratch(void **state)
{
    (void)state;
    snprintf(scratch, sizeof(scratch), "/tmp/airlock-box-XXXXXX");
    return mkdtemp(scratch) ? 0 : -1;
}

static int remove_scratch(void **state)
{
    (void)state;
    struct err e;
    return tree_remove(AT_FDCWD, scratch, &e);
}

static int exit_status(const struct box_spec *spec)
{
    int status = fixture_run(spec);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int file_in_scratch(const char *name, const char *text, int flags)
{
    char path[128];
    struct err e;
    snprintf(path, sizeof(path), "%s/%s", scratch, name);
    assert_int_equal(file_write(AT_FDCWD, path, span_str(text), 0644, &e), 0);
    int fd = open(path, flags | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static struct box *start(const struct box_spec *spec)
{
    struct box *b = NULL;
    struct err e = {0};
    if (box_start(spec, &b, &e) < 0)
        fail_msg("%s", e.msg);
    return b;
}

static bool is_gone(pid_t pid, int within_ms)
{
    int64_t until = clock_mono_ms() + within_ms;
    while (kill(pid, 0) == 0 && clock_mono_ms() < until)
        poll(NULL, 0, 10);
    return kill(pid, 0) < 0 && errno == ESRCH;
}

/* Adds one file to the fixture's spec. */
static void add_file(struct box_spec *spec, struct box_file files[2], int fd, const char *path)
{
    files[0] = spec->files[0];
    files[1] = (struct box_file){.fd = fd, .path = path};
    spec->files = files;
    spec->file_count = 2;
}

static void a_file_is_seen_under_its_path_and_is_read_only(void **state)
{
    (void)state;
    char seen[16] = "";
    struct box_file files[2];
    int pipe_ends[2];
    auto_fd model = file_in_scratch("model", "weights", O_PATH);
    assert_int_equal(pipe2(pipe_ends, O_CLOEXEC), 0);
    auto_fd from = pipe_ends[0], to = pipe_ends[1];

    struct box_spec *spec = fixture_spec((const char *const[]){"print", "/models/deep/model.gguf", NULL});
    add_file(spec, files, model, "/models/deep/model.gguf");
    spec->output = to;
    assert_int_equal(exit_status(spec), 0);
    assert_int_equal(read(from, seen, sizeof(seen)), 7);
    assert_string_equal(seen, "weights");

    spec = fixture_spec((const char *const[]){"write", "/models/deep/model.gguf", NULL});
    add_file(spec, files, model, "/models/deep/model.gguf");
    assert_int_equal(exit_status(spec), EROFS);
}

static void a_file_that_was_exchanged_after_it_was_opened_is_refused(void **state)
{
    (void)state;
    struct box *b = NULL;
    struct err e = {0};
    struct box_file files[2];
    auto_fd model = file_in_scratch("swapped", "hashed", O_PATH), other = file_in_scratch("swapped", "evil", O_PATH);
    struct box_spec *spec = fixture_spec((const char *const[]){"print", "/models/m", NULL});
    add_file(spec, files, model, "/models/m");

    assert_int_equal(box_start(spec, &b, &e), -1);

    assert_int_equal(e.code, ERR_INPUT);
    assert_non_null(strstr(e.msg, "/models/m"));
}

static void a_link_in_the_root_does_not_lead_a_mount_astray(void **state)
{
    (void)state;
    struct box *b = NULL;
    struct err e = {0};
    struct box_file files[2];
    char path[128];
    auto_fd model = file_in_scratch("linked", "weights", O_PATH);
    snprintf(path, sizeof(path), "%s/root", scratch);
    assert_int_equal(mkdir(path, 0755), 0);
    auto_fd root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(symlinkat("/proc", root, "models"), 0);
    struct box_spec *spec = fixture_spec((const char *const[]){"print", "/models/m", NULL});
    add_file(spec, files, model, "/models/m");
    spec->root = root;

    assert_int_equal(box_start(spec, &b, &e), -1);

    assert_int_equal(e.code, ERR_INPUT);
    assert_non_null(strstr(e.msg, "models"));
}

static void the_run_directory_is_shared_and_its_socket_answers_outside(void **state)
{
    (void)state;
    char path[128], answer[8] = "";
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf(path, sizeof(path), "%s/run", scratch);
    assert_int_equal(mkdir(path, 0777), 0);
    snprintf(at.sun_path, sizeof(at.sun_path), "%.64s/run/engine.sock", scratch);
    auto_fd run = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct box_spec *spec = fixture_spec((const char *const[]){"serve", "/run/airlock/engine.sock", NULL});
    spec->run_dir = run;
    auto_box b = start(spec);

    auto_fd client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int connected = -1;
    for (int i = 0; i < 500 && connected < 0; i++) {
        connected = connect(client, (const struct sockaddr *)&at, sizeof(at));
        if (connected < 0)
            poll(NULL, 0, 10);
    }

    assert_int_equal(connected, 0);
    assert_int_equal(read(client, answer, sizeof(answer)), 5);
    assert_string_equal(answer, "hello");
}

static void a_program_that_is_not_there_is_named(void **state)
{
    (void)state;
    struct box *b = NULL;
    struct err e = {0};
    struct box_spec *spec = fixture_spec((const char *const[]){NULL});
    spec->argv = (const char *const[]){"/no/such/engine", NULL};

    assert_int_equal(box_start(spec, &b, &e), -1);

    assert_int_equal(e.code, ERR_INPUT);
    assert_non_null(strstr(e.msg, "/no/such/engine"));
    assert_null(b);
}

static void the_environment_is_the_given_one_and_nothing_else(void **state)
{
    (void)state;
    struct box_spec *spec = fixture_spec((const char *const[]){"environment", NULL});
    spec->env = (const char *const[]){"ONLY=this", NULL};
    setenv("AIRLOCK_SECRET", "must not be seen", 1);

    assert_int_equal(exit_status(spec), 0);
}

static void an_end_is_asked_for_before_it_is_made(void **state)
{
    (void)state;
    struct err e = {0};
    char up[4];
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    auto_fd from = ends[0], to = ends[1];
    struct box_spec *spec = fixture_spec((const char *const[]){"polite", NULL});
    spec->output = to;
    auto_box b = start(spec);
    assert_int_equal(read(from, up, sizeof(up)), 3); /* its handler stands */

    assert_int_equal(box_wait(b, 0, &e), 0);
    assert_int_equal(box_stop(b, 5000, &e), 0);

    assert_true(b->ended);
    assert_int_equal(WEXITSTATUS(b->status), 7);
}

static void a_program_that_ignores_sigterm_is_killed_after_its_grace(void **state)
{
    (void)state;
    struct err e = {0};
    char up[4];
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    auto_fd from = ends[0], to = ends[1];
    struct box_spec *spec = fixture_spec((const char *const[]){"stubborn", NULL});
    spec->output = to;
    auto_box b = start(spec);
    assert_int_equal(read(from, up, sizeof(up)), 3);
    int64_t before = clock_mono_ms();

    assert_int_equal(box_stop(b, 200, &e), 0);

    assert_true(clock_mono_ms() - before >= 200);
    assert_true(b->ended);
    assert_true(WIFSIGNALED(b->status));
    assert_int_equal(WTERMSIG(b->status), SIGKILL);
}

/* Reads the host pids of what process 1 of the box has below it. */
static bool has_children(pid_t init)
{
    char path[64];
    auto_buf text = BUF(4096);
    struct err e;
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)init, (int)init);
    assert_int_equal(file_read(AT_FDCWD, path, &text, &e), 0);
    return text.len > 0;
}

static void what_a_program_leaves_behind_does_not_outlive_it(void **state)
{
    (void)state;
    struct err e = {0};
    auto_box b = start(fixture_spec((const char *const[]){"daemon", NULL}));

    assert_int_equal(box_wait(b, 10000, &e), 1);
    assert_int_equal(box_stop(b, 0, &e), 0);

    assert_false(has_children(b->init));
}

static void a_freed_box_leaves_nothing(void **state)
{
    (void)state;
    struct box *b = start(fixture_spec((const char *const[]){"stubborn", NULL}));
    pid_t keeper = b->keeper, init = b->init;

    box_free(b);

    assert_true(is_gone(init, 2000));
    assert_true(is_gone(keeper, 2000));
}

static void a_box_dies_with_whoever_made_it(void **state)
{
    (void)state;
    int ends[2], status;
    pid_t init = 0;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t maker = fork();
    if (maker == 0) {
        struct box *b = start(fixture_spec((const char *const[]){"stubborn", NULL}));
        (void)!write(ends[1], &b->init, sizeof(b->init));
        kill(getpid(), SIGKILL);
    }
    close(ends[1]);
    auto_fd from = ends[0];
    assert_int_equal(read(from, &init, sizeof(init)), sizeof(init));
    assert_int_equal(waitpid(maker, &status, 0), maker);

    assert_true(is_gone(init, 5000));
}

static void a_box_dies_with_its_keeper(void **state)
{
    (void)state;
    struct err e = {0};
    auto_box b = start(fixture_spec((const char *const[]){"stubborn", NULL}));

    kill(b->keeper, SIGKILL);

    assert_true(is_gone(b->init, 5000));
    assert_int_equal(box_wait(b, 5000, &e), -1);
    assert_int_equal(e.code, ERR_IO);
}

static void memory_is_limited_and_the_box_says_how(void **state)
{
    (void)state;
    struct err e = {0};
    struct box_spec *spec = fixture_spec((const char *const[]){"memory", NULL});
    spec->memory_bytes = MEMORY_LIMIT;
    auto_box b = start(spec);

    assert_int_equal(box_wait(b, 20000, &e), 1);

    assert_non_null(strstr(b->limits, "memory"));
    if (b->memory_limited)
        assert_true(WIFSIGNALED(b->status) && WTERMSIG(b->status) == SIGKILL);
    else
        assert_true(WIFEXITED(b->status) && WEXITSTATUS(b->status) == ENOMEM);
}

static void processes_are_limited_where_the_box_says_so(void **state)
{
    (void)state;
    struct err e = {0};
    struct box_spec *spec = fixture_spec((const char *const[]){"forks", NULL});
    spec->processes = 50;
    auto_box b = start(spec);

    assert_int_equal(box_wait(b, 20000, &e), 1);

    if (!b->processes_limited && b->as_root)
        skip(); /* said in b->limits: root without cgroups has no limit of tasks */
    assert_true(WIFEXITED(b->status));
    assert_int_equal(WEXITSTATUS(b->status), EAGAIN);
}

static void this_host_can_make_boxes(void **state)
{
    (void)state;
    struct err e = {0};
    assert_int_equal(host_namespaces(&e), 0);
    assert_int_equal(host_seccomp(&e), 0);
    assert_int_equal(host_notify(&e), 0);
    assert_true(host_landlock() >= 0);
}

static void a_bad_name_is_refused_before_anything_is_made(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "../x", "A", "a b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct box *b = NULL;
        struct err e = {0};
        struct box_spec *spec = fixture_spec((const char *const[]){"polite", NULL});
        spec->name = bad[i];
        assert_int_equal(box_start(spec, &b, &e), -1);
        assert_int_equal(e.code, ERR_USAGE);
    }
}

int main(int argc, char **argv)
{
    fixture_become(argc, argv, inside);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_seen_under_its_path_and_is_read_only),
        cmocka_unit_test(a_file_that_was_exchanged_after_it_was_opened_is_refused),
        cmocka_unit_test(a_link_in_the_root_does_not_lead_a_mount_astray),
        cmocka_unit_test(the_run_directory_is_shared_and_its_socket_answers_outside),
        cmocka_unit_test(a_program_that_is_not_there_is_named),
        cmocka_unit_test(the_environment_is_the_given_one_and_nothing_else),
        cmocka_unit_test(an_end_is_asked_for_before_it_is_made),
        cmocka_unit_test(a_program_that_ignores_sigterm_is_killed_after_its_grace),
        cmocka_unit_test(what_a_program_leaves_behind_does_not_outlive_it),
        cmocka_unit_test(a_freed_box_leaves_nothing),
        cmocka_unit_test(a_box_dies_with_whoever_made_it),
        cmocka_unit_test(a_box_dies_with_its_keeper),
        cmocka_unit_test(memory_is_limited_and_the_box_says_how),
        cmocka_unit_test(processes_are_limited_where_the_box_says_so),
        cmocka_unit_test(this_host_can_make_boxes),
        cmocka_unit_test(a_bad_name_is_refused_before_anything_is_made),
    };
    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
