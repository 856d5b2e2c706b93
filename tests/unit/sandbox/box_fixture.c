#include "box_fixture.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/auto.h"

#define INSIDE "/inside/program"

void fixture_become(int argc, char **argv, int (*inside)(int argc, char **argv))
{
    if (argc >= 3 && strcmp(argv[1], "--role") == 0)
        exit(box_main(3));
    if (strcmp(argv[0], INSIDE) == 0)
        exit(inside(argc, argv));
}

struct box_spec *fixture_spec(const char *const arguments[])
{
    static struct box_spec spec;
    static struct box_file file;
    static const char *argv[16];
    static int root = -1, self = -1;
    if (root < 0)
        root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (self < 0)
        self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    assert_true(root >= 0 && self >= 0);
    argv[0] = INSIDE;
    for (size_t i = 0; i < ARRAY_LEN(argv) - 1; i++) {
        argv[i + 1] = arguments[i];
        if (!arguments[i])
            break;
    }
    file = (struct box_file){.fd = self, .path = INSIDE};
    spec = (struct box_spec){.name = "test",
                             .root = root,
                             .files = &file,
                             .file_count = 1,
                             .run_dir = -1,
                             .argv = argv,
                             .output = STDERR_FILENO,
                             .error = -1,
                             .processes = 200};
    return &spec;
}

int fixture_run(const struct box_spec *spec)
{
    struct box *b = NULL;
    struct err e = {0};
    if (box_start(spec, &b, &e) < 0)
        fail_msg("%s", e.msg);
    if (box_wait(b, 30000, &e) != 1)
        fail_msg("the program did not end: %s", e.msg);
    int status = b->status;
    box_free(b);
    return status;
}
