/* A client that does not come to an end is stopped, and what it was to decide is then undecided and no refusal. */
#include "collect/client.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sandbox/box.h"
#include "util/file.h"

static void a_check_that_does_not_end_is_stopped_and_undecided(void **state)
{
    (void)state;
    static const struct client sleeper = {"sleeper", "/bin/sleep", "coreutils"};
    static const struct places nowhere = {0};
    static const char *const argv[] = {"600", NULL};
    char folder[] = "/tmp/airlock-client-XXXXXX";
    struct err e = {0}, ignored = {0};
    int made = -1;
    assert_non_null(mkdtemp(folder));
    auto_fd parent = dir_open(AT_FDCWD, "/tmp", &e);
    auto_fd staging = dir_open(parent, folder + strlen("/tmp/"), &e);
    auto_clients clients;
    clients_init(&clients, staging);
    clients.limit_s = 1;
    int prepared = client_prepare(&clients, &made, &e);
    auto_fd work = made;
    const struct client_order order = {
        .client = &sleeper, .argv = argv, .places = &nowhere, .work = work, .keep_output = -1};

    int result = prepared == 0 ? client_run(&clients, &order, &e) : 0;

    (void)tree_remove(parent, folder + strlen("/tmp/"), &ignored);
    assert_int_equal(prepared, 0);
    assert_int_equal(result, -1);
    assert_int_equal(e.code, ERR_UNDECIDED);
    assert_non_null(strstr(e.msg, "sleeper did not end within 1 s, and was stopped"));
    assert_null(strstr(e.msg, "collect.yaml")); /* whose limits these are not */
}

int main(int argc, char **argv)
{
    if (argc > 1) { /* started by a test, to be a part of a box: never the tests again */
        int status = argc < 3 ? -1 : strcmp(argv[2], BOX_ROLE) == 0 ? box_main(3) : silence_role_main(argv[2], 3);
        return status < 0 ? 2 : status;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_check_that_does_not_end_is_stopped_and_undecided),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
