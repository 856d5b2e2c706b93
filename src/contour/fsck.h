/* fsck: everything that a contour (or a station) keeps, read again and held against everything else. Every blob is
 * hashed, in the store and in quarantine; rows against files; releases and pointers against what they point at and
 * against their ledger entries; evidence, people's records and tokens against their signatures; rights against what the
 * ledger says was given and taken; ledger rows against tiles and the signed checkpoint; access segments against their
 * batches. Hard rule: it changes nothing, stops at nothing, and names each thing that is wrong: which file or row, what
 * was found, what was wanted. */
#pragma once

#include "site/site.h"

struct fsck {
    struct buf problems, notes; /* a line each; notes are leftovers that the next command uses or removes */
    uint64_t problem_count, note_count;
    uint64_t blobs, blob_bytes, releases, evidence, people, tokens, ledger_entries;
};
void fsck_init(struct fsck *f);
void fsck_fini(struct fsck *f);
#define auto_fsck AUTO(fsck_fini) struct fsck

/* Adds a problem, as fsck_run does. */
void fsck_problem(struct fsck *f, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Looks at everything. 0: it could (what it found stands in *f); -1: it could not go on (ERR_BUSY, ERR_IO of the
 * database, ERR_UNDECIDED: the parse process). */
int fsck_run(struct site *s, struct fsck *f, struct err *e);
