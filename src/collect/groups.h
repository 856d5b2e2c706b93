/* Groups: what is pinned for development or test does not travel to production, and production must not need it. Hard
 * rule: a package that a production package asks for, and that only another group pins, is named with both places. */
#pragma once

#include "collect/lock.h"
#include "ship/packages.h"

/* Writes into each package's `source` where a lock pins it, "requirements.txt:12", in front of what stands there. */
void groups_pin(struct packages *p, const struct lock *locks, size_t count);

/* The place of `source`: up to the first blank; "" when there is none. */
void groups_place(const struct package *p, char *out, size_t size);

bool groups_has(const char *const groups[], const char *group); /* NULL-terminated */

struct group_conflict {
    const struct package *asks;   /* travels, and needs */
    const char *needs;            /* this name; borrowed until the call returns */
    const struct package *pinned; /* which stands here, in a group that does not travel */
};

/* Calls each for every such name, once a package that asks. What a marker makes conditional (other than by an extra) is
 * left to the closure, where pip says whether it holds. Stops at a non-zero return. -1: ERR_IO, ERR_INPUT, … of reading
 * a wheel's METADATA out of the store. */
int groups_conflicts(const struct blobs *b, struct child *parser, const struct packages *all,
                     const char *const groups[], int (*each)(void *arg, const struct group_conflict *c), void *arg,
                     struct err *e);

/* ERR_INPUT with the first conflict, both places, and how many more there are. */
int groups_check(const struct blobs *b, struct child *parser, const struct packages *all, const char *const groups[],
                 struct err *e);

/* One sentence: who asks, where it is pinned. */
void group_conflict_say(const struct group_conflict *c, char *out, size_t size);
