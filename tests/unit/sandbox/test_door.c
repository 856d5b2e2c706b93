/* The way to a box's socket: the socket of the box is reached, and nothing else that bears its name. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "box_fixture.h"
#include "sandbox/door.h"
#include "util/auto.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/log.h"

#define PATIENCE_MS 10000
#define NOBODY      65534

/* ── inside: a server that greets everybody ── */

static int listen_at(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
    auto_fd fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof at) < 0 || listen(fd, 8) < 0)
        return -1;
    return fd_steal(&fd);
}

static int inside(int argc, char **argv)
{
    int server = listen_at(argc > 1 ? argv[1] : "");
    if (server < 0)
        return errno;
    for (;;) {
        auto_fd client = accept(server, NULL, NULL);
        if (client < 0 || write(client, "inside", 6) != 6)
            return errno;
    }
}

/* ── outside ── */

static char scratch[64];
static int run = -1, host = -1; /* the run directory; a socket of this host that listens */
static struct box *box;
static struct door *door;

static const char *in_scratch(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", scratch, name);
    return path;
}

static int set_up(void **state)
{
    (void)state;
    struct err e = {0};
    log_set_format(LOG_SILENT);
    snprintf(scratch, sizeof scratch, "/tmp/airlock-door-XXXXXX");
    assert_non_null(mkdtemp(scratch));
    assert_int_equal(mkdir(in_scratch("run"), 0700), 0);
    run = open(in_scratch("run"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    host = listen_at(in_scratch("host.sock"));
    assert_true(run >= 0 && host >= 0);
    struct box_spec *spec = fixture_spec((const char *const[]){"/run/airlock/engine.sock", NULL});
    spec->run_dir = run;
    if (box_start(spec, &box, &e) < 0 || !(door = door_new(run, "engine.sock", &box->place, "prod-test-1", &e)))
        fail_msg("%s", e.msg);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    struct err e;
    door_free(door);
    box_free(box);
    close(run);
    close(host);
    return tree_remove(AT_FDCWD, scratch, &e);
}

/* As everybody does: look, connect, check. */
static int door_connect(struct door *d, struct err *e)
{
    struct sockaddr_un to;
    auto_fd inode = door_look(d, &to, e);
    auto_fd fd = inode < 0 ? -1 : socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (connect(fd, (const struct sockaddr *)&to, sizeof to) < 0)
        return err_set(e, ERR_BUSY, errno, "connect");
    return door_check(d, fd, e) < 0 ? -1 : fd_steal(&fd);
}

static int connect_soon(struct err *e)
{
    int64_t until = clock_mono_ms() + PATIENCE_MS;
    int fd = door_connect(door, e);
    for (; fd < 0 && e->code == ERR_BUSY && clock_mono_ms() < until; fd = door_connect(door, e))
        poll(NULL, 0, 5);
    return fd;
}

static void reach_the_box(void)
{
    char greeting[16] = "";
    struct err e = {0};
    auto_fd fd = connect_soon(&e);
    if (fd < 0)
        fail_msg("%s", e.msg);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
    assert_int_equal(read(fd, greeting, sizeof greeting), 6);
    assert_string_equal(greeting, "inside");
}

/* Whoever was let in by this host's socket was sent away, and had said nothing. */
static void the_host_heard_nothing(void)
{
    char heard[16];
    struct pollfd p = {.fd = host, .events = POLLIN};
    while (poll(&p, 1, 50) == 1) {
        auto_fd client = accept(host, NULL, NULL);
        assert_true(client >= 0);
        assert_int_equal(read(client, heard, sizeof heard), 0);
    }
}

static void refused(const char *found)
{
    struct err e = {0};
    auto_buf how = BUF(ERR_MSG_MAX);
    assert_int_equal(door_connect(door, &e), -1);
    assert_int_equal(e.code, ERR_DENIED);
    if (!strstr(e.msg, found) || !strstr(e.msg, "prod-test-1"))
        fail_msg("wanted \"%s\", found \"%s\"", found, e.msg);
    assert_true(door_broken(door, &how));
    assert_string_equal(buf_str(&how), e.msg);
    the_host_heard_nothing();
}

static void the_socket_of_the_box_is_reached_again_and_again(void **state)
{
    (void)state;
    reach_the_box();
    reach_the_box();
    assert_false(door_broken(door, NULL));
}

static void a_symbolic_link_is_not_followed(void **state)
{
    (void)state;
    reach_the_box();
    assert_int_equal(unlinkat(run, "engine.sock", 0), 0);
    assert_int_equal(symlinkat(in_scratch("host.sock"), run, "engine.sock"), 0);
    refused("a symbolic link");
}

static void a_link_within_the_run_directory_is_not_followed_either(void **state)
{
    (void)state;
    reach_the_box();
    assert_int_equal(renameat(run, "engine.sock", run, "other.sock"), 0);
    assert_int_equal(symlinkat("other.sock", run, "engine.sock"), 0);
    refused("a symbolic link");
}

static void a_hard_link_to_a_socket_of_this_host_is_refused(void **state)
{
    (void)state;
    reach_the_box();
    assert_int_equal(unlinkat(run, "engine.sock", 0), 0);
    assert_int_equal(linkat(AT_FDCWD, in_scratch("host.sock"), run, "engine.sock", 0), 0);
    refused("listener is outside");
}

static void a_socket_of_another_box_is_refused(void **state)
{
    (void)state;
    struct err e = {0};
    struct box *other = NULL;
    reach_the_box();
    struct box_spec *spec = fixture_spec((const char *const[]){"/run/airlock/other.sock", NULL});
    spec->run_dir = run;
    if (box_start(spec, &other, &e) < 0)
        fail_msg("%s", e.msg);
    int64_t until = clock_mono_ms() + PATIENCE_MS;
    while (faccessat(run, "other.sock", F_OK, 0) < 0 && clock_mono_ms() < until)
        poll(NULL, 0, 5);
    poll(NULL, 0, 50); /* bound, and soon listening */
    assert_int_equal(renameat(run, "other.sock", run, "engine.sock"), 0);
    refused("listener is outside");
    box_free(other);
}

static void a_file_in_its_place_is_refused(void **state)
{
    (void)state;
    struct err e = {0};
    reach_the_box();
    assert_int_equal(unlinkat(run, "engine.sock", 0), 0);
    assert_int_equal(file_write(run, "engine.sock", SPAN_LIT("x"), 0600, &e), 0);
    refused("a file");
}

static void a_socket_of_another_user_is_refused(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    reach_the_box();
    assert_int_equal(fchownat(run, "engine.sock", NOBODY, NOBODY, 0), 0);
    refused("another user");
}

static void nobody_listening_is_no_escape(void **state)
{
    (void)state;
    struct err e = {0};
    reach_the_box();
    assert_int_equal(renameat(run, "engine.sock", run, "later"), 0);
    assert_int_equal(door_connect(door, &e), -1);
    assert_int_equal(e.code, ERR_BUSY);
    assert_int_equal(renameat(run, "later", run, "engine.sock"), 0);
    reach_the_box();
    box_free(box);
    box = NULL;
    assert_int_equal(door_connect(door, &e), -1);
    assert_int_equal(e.code, ERR_BUSY);
    assert_false(door_broken(door, NULL));
}

static void who_cheated_once_is_never_asked_again(void **state)
{
    (void)state;
    reach_the_box();
    assert_int_equal(renameat(run, "engine.sock", run, "good.sock"), 0);
    assert_int_equal(symlinkat(in_scratch("host.sock"), run, "engine.sock"), 0);
    refused("a symbolic link");
    assert_int_equal(renameat(run, "good.sock", run, "engine.sock"), 0);
    refused("a symbolic link");
}

static void a_box_has_namespaces_of_its_own(void **state)
{
    (void)state;
    struct door_place ours;
    assert_int_equal(door_place_of(getpid(), &ours), 0);
    assert_true(box->place.net && box->place.pid);
    assert_int_not_equal(box->place.net, ours.net);
    assert_int_not_equal(box->place.pid, ours.pid);
}

static void no_two_doors_have_one_label(void **state)
{
    (void)state;
    struct err e = {0};
    struct door *other = door_new(run, "engine.sock", &box->place, "prod-test-1", &e);
    assert_non_null(other);
    assert_string_not_equal(door_label(door), door_label(other));
    door_free(other);
}

/* All of it once more: /proc opens less to an ordinary user. */
static void an_ordinary_user_has_the_same_door(void **state)
{
    (void)state;
    int status;
    if (geteuid() != 0)
        skip(); /* then the tests above were it */
    auto_fd self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    char *const argv[] = {(char *)"test_door", NULL};
    pid_t child = fork();
    if (child == 0) {
        bool dropped = setresgid(NOBODY, NOBODY, NOBODY) == 0 && setresuid(NOBODY, NOBODY, NOBODY) == 0;
        dup2(STDERR_FILENO, STDOUT_FILENO);
        if (dropped)
            fexecve(self, argv, environ);
        _exit(127);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

#define BOXED(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(int argc, char **argv)
{
    fixture_become(argc, argv, inside);
    const struct CMUnitTest tests[] = {
        BOXED(the_socket_of_the_box_is_reached_again_and_again),
        BOXED(a_symbolic_link_is_not_followed),
        BOXED(a_link_within_the_run_directory_is_not_followed_either),
        BOXED(a_hard_link_to_a_socket_of_this_host_is_refused),
        BOXED(a_socket_of_another_box_is_refused),
        BOXED(a_file_in_its_place_is_refused),
        BOXED(a_socket_of_another_user_is_refused),
        BOXED(nobody_listening_is_no_escape),
        BOXED(who_cheated_once_is_never_asked_again),
        BOXED(a_box_has_namespaces_of_its_own),
        BOXED(no_two_doors_have_one_label),
        cmocka_unit_test(an_ordinary_user_has_the_same_door),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
