#include "scratch.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/file.h"

int scratch_setup(void **state)
{
    struct scratch *s = calloc(1, sizeof *s);
    memcpy(s->path, "/tmp/airlock-test-XXXXXX", sizeof "/tmp/airlock-test-XXXXXX");
    if (!mkdtemp(s->path))
        return -1;
    s->dir = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *state = s;
    return s->dir < 0 ? -1 : 0;
}

int scratch_teardown(void **state)
{
    struct scratch *s = *state;
    struct err e;
    close(s->dir);
    int result = tree_remove(AT_FDCWD, s->path, &e);
    free(s);
    return result;
}

void scratch_flip(struct scratch *s, const char *path, long at)
{
    uint8_t byte = 0;
    assert_int_equal(fchmodat(s->dir, path, 0644, 0), 0);
    int fd = openat(s->dir, path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}
