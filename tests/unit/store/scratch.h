/* A directory of the test's own, removed after it. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct scratch {
    int dir;
    char path[64];
};

int scratch_setup(void **state); /* for cmocka_unit_test_setup_teardown: *state is a struct scratch */
int scratch_teardown(void **state);

/* Flips the lowest bit of byte `at` of a file. */
void scratch_flip(struct scratch *s, const char *path, long at);
