/* What the tests of a box share: a small static root is not needed, the box's root is the host's own, and the program
 * inside is this very test, started with arguments of its own. */
#pragma once

#include "sandbox/box.h"

/* Is this process a keeper, or the program inside? Then it never returns. Call first thing in main. */
void fixture_become(int argc, char **argv, int (*inside)(int argc, char **argv));

/* A spec that runs this test inside as "/inside/program ARGUMENTS…" (argv[0] is filled in). Valid until the next call.
 */
struct box_spec *fixture_spec(const char *const arguments[]);

/* Runs it to its end; the wait status. Fails the test when there is no box. */
int fixture_run(const struct box_spec *spec);
