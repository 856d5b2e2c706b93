/* Every way out of a box that is known to have led out of somebody's sandbox, tried from inside, as root and as an
 * ordinary user; and a few things that must work there. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "box_fixture.h"
#include "bypass.h"
#include "util/auto.h"
#include "util/file.h"

#define NOBODY 65534

static int inside(int argc, char **argv)
{
    return argc == 2 ? bypass_main(argv[1]) : NO_TEST;
}

static int listen_at(const struct sockaddr_un *at, socklen_t len)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)at, len), 0);
    assert_int_equal(listen(fd, 4), 0);
    return fd;
}

/* Neighbours on the host that must not be reached, and a descriptor that must not be inherited. */
struct neighbours {
    int abstract, pathname;
};

static struct neighbours make_neighbours(void)
{
    struct sockaddr_un abstract = {.sun_family = AF_UNIX}, pathname = {.sun_family = AF_UNIX, .sun_path = PATHNAME};
    memcpy(abstract.sun_path + 1, ABSTRACT_NAME, sizeof(ABSTRACT_NAME) - 1);
    unlink(PATHNAME);
    struct neighbours n = {
        .abstract = listen_at(&abstract, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + sizeof(ABSTRACT_NAME))),
        .pathname = listen_at(&pathname, sizeof(pathname))};
    int udp = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(dup2(udp, INHERITED_FD), INHERITED_FD);
    if (udp != INHERITED_FD)
        close(udp);
    return n;
}

static void end_neighbours(const struct neighbours *n)
{
    close(n->abstract);
    close(n->pathname);
    close(INHERITED_FD);
    unlink(PATHNAME);
}

static bool is_expected(const struct attempt *a, int found)
{
    for (size_t i = 0; i < EXPECTED && a->expected[i]; i++)
        if (a->expected[i] == found)
            return true;
    return found == NO_TEST && a->expected[0] != PASSED;
}

/* The number of attempts that did not end as they must. */
static int try_all(void)
{
    int wrong = 0;
    for (size_t i = 0; i < ATTEMPT_COUNT; i++) {
        const char *const arguments[] = {ATTEMPTS[i].name, NULL};
        int status = fixture_run(fixture_spec(arguments));
        int found = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
        if (is_expected(&ATTEMPTS[i], found))
            continue;
        fprintf(stderr, "%s: ended with %d (%s), wanted %d\n", ATTEMPTS[i].name, found,
                found == PASSED ? "it passed through" : strerror(found), ATTEMPTS[i].expected[0]);
        wrong++;
    }
    return wrong;
}

static void nothing_gets_out_of_a_box(void **state)
{
    (void)state;
    struct neighbours n = make_neighbours();

    int wrong = try_all();

    end_neighbours(&n);
    assert_int_equal(wrong, 0);
}

static void nothing_gets_out_of_a_box_that_an_ordinary_user_made(void **state)
{
    (void)state;
    int status;
    if (geteuid() != 0)
        skip(); /* then the test above was it */
    struct neighbours n = make_neighbours();

    pid_t child = fork();
    if (child == 0) {
        bool dropped = setresgid(NOBODY, NOBODY, NOBODY) == 0 && setresuid(NOBODY, NOBODY, NOBODY) == 0;
        _exit(dropped && try_all() == 0 ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);

    end_neighbours(&n);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* The far side: seen from outside, the box has no interface but lo. */
static void a_box_has_no_interface_but_loopback(void **state)
{
    (void)state;
    struct box *b = NULL;
    struct err e = {0};
    char path[64];
    struct box_spec *spec = fixture_spec((const char *const[]){"TCP v4", NULL});
    if (box_start(spec, &b, &e) < 0)
        fail_msg("%s", e.msg);

    snprintf(path, sizeof(path), "/proc/%d/net/dev", (int)b->init);
    auto_buf text = BUF(65536);
    assert_int_equal(file_read(AT_FDCWD, path, &text, &e), 0);
    box_free(b);

    int interfaces = 0;
    for (const char *at = buf_str(&text); (at = strchr(at, ':')) != NULL; at++)
        interfaces++;
    assert_int_equal(interfaces, 1);
    assert_non_null(strstr(buf_str(&text), "lo:"));
}

int main(int argc, char **argv)
{
    fixture_become(argc, argv, inside);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_gets_out_of_a_box),
        cmocka_unit_test(nothing_gets_out_of_a_box_that_an_ordinary_user_made),
        cmocka_unit_test(a_box_has_no_interface_but_loopback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
