/* Closure: what a release pins is complete. Before it is packed, pip and apt resolve it against the collected set
 * alone, in boxes without any network; of npm packages each that one needs must be there, in a version of the range.
 * Hard rule: what could not be checked is not complete; --unchecked is the way around: then nothing is checked, and a
 * remark says so. */
#pragma once

#include "ship/pack.h"

#define CLOSURE_REMARKS_MAX 16U

/* Of one run of pip or apt, for one platform. */
#define CLOSURE_LIMIT_S 1800U

struct closure {
    bool unchecked;  /* nothing is asked, and a remark says so */
    char base[4096]; /* a dpkg status file: what the machines have already; "": nothing */
    char remarks[CLOSURE_REMARKS_MAX][1024];
    size_t remark_count;
};

/* Reads packages: base: {dpkg: FILE} of a release.yaml into c->base; FILE is relative to its folder. What is wrong with
 * the file otherwise is for pack to say. */
void closure_read_base(struct closure *c, const char *file);

/* A rule of pack (ship/pack.h) whose arg is a struct closure: groups first, then closure. -1: ERR_INPUT names what is
 * missing, which package needs it, where that is pinned, for which platform; ERR_UNDECIDED: a client is not on this
 * machine, or no box can be made. */
int closure_rule(void *arg, struct site *station, const struct packages *collected, const struct packages *chosen,
                 const char *const groups[], struct err *e);
