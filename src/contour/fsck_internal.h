/* What the files of fsck share. */
#pragma once

#include "contour/fsck.h"
#include "ship/release.h"

struct checking {
    struct site *s;
    struct fsck *f;
    struct err *e; /* for what is no answer */
    struct blobs *store;
};

void fsck_note(struct fsck *f, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What became of one part: an error that says what is wrong with the contour is a problem of `what`, and 0; one that
 * says that nothing can be said is -1 in c->e. */
int fsck_part(struct checking *c, int result, const char *what, const struct err *why);

/* What became of a run over rows: an error of the database, or (when *why is empty) one that a callback has set in
 * c->e.
 */
int fsck_rows(struct checking *c, int result, const char *what, const struct err *why);

/* The rows of a release's packages against its documents. */
int fsck_packages(struct checking *c, const struct release *r, const struct blobs *b, struct err *why);

int fsck_blobs(struct checking *c);                        /* store, pushed and quarantine, and the rows about them */
int fsck_releases(struct checking *c);                     /* releases and pointers */
int fsck_signed(struct checking *c);                       /* evidence, people, rights, policy */
int fsck_rights(struct checking *c, struct child *parser); /* tokens, groups, grants, and what was taken away */
int fsck_ledger(struct checking *c);                       /* rows, tiles, checkpoint, access segments */
