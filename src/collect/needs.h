/* What a package says that it needs, by name: of a wheel its METADATA, of an npm package its manifest, of a Debian
 * package its control fields. */
#pragma once

#include "ship/packages.h"

struct need {
    const char *name; /* one of the alternatives; borrowed until `each` returns */
    const char *text; /* the whole, as written */
    bool sure;        /* false: a marker says when */
    unsigned number;  /* alternatives of one need have one number */
};

/* Calls each for every name that may fill a need. Of npm those are dependencies and peers, without what is optional or
 * bundled; an alias is called by the name of what it means. Recommends and extras are none. Of a
 * source distribution nothing is known, and nothing is said. Stops at a non-zero return, which is returned. */
int needs_each(const struct blobs *b, struct child *parser, const struct package *p,
               int (*each)(void *arg, const struct need *n), void *arg, struct err *e);

/* The names that a package goes by: its own, and of a Debian package what it Provides. */
int names_each(const struct package *p, int (*each)(void *arg, const char *name), void *arg);
