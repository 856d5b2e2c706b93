/* Attempts to get out of a box, each made inside it, in a process of its own. */
#pragma once

#include <stddef.h>

/* What an attempt may end with: its errno is one of these. 0 ends the list; PASSED is the way out, or the positive
 * control. */
#define PASSED   255
#define NO_NAME  254 /* getaddrinfo found nothing */
#define NO_TEST  253 /* this kernel or processor cannot make the attempt */
#define EXPECTED 4

struct attempt {
    const char *name;
    int (*make)(void); /* errno, or PASSED */
    int expected[EXPECTED];
};

extern const struct attempt ATTEMPTS[];
extern const size_t ATTEMPT_COUNT;

/* Names that the test outside listens under. */
#define ABSTRACT_NAME "airlock-bypass-test"
#define PATHNAME      "/tmp/airlock-bypass-test.sock"
#define INHERITED_FD  9

/* Makes the attempt of that name; the exit status. */
int bypass_main(const char *name);
