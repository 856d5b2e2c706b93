/* Garbage collection: blobs of the store, and of what was pushed, that nothing needs any more. Safe while the site
 * serves and works: what needs a blob is asked inside the transaction that takes its name away, so an admission comes
 * before or after it as a whole; what was written (or written again) within the grace is left, so that a packing or an
 * upload under way loses nothing; a file that is open, or mounted in an engine, lives on until it is closed. Hard rule:
 * a blob that a row of an admitted or packed release names is never collected. Of what was pushed, see gc_pushed.h. */
#pragma once

#include "site/site.h"

#define GC_GRACE_S 86400 /* a day: longer than any packing, upload or download */

struct gc_options {
    bool dry_run;    /* count, remove nothing */
    int64_t grace_s; /* what was written within it stays */
};

struct gc_result {
    uint64_t blobs, bytes;            /* removed, or with dry_run to be removed */
    uint64_t kept, young;             /* needed; not needed and within the grace */
    uint64_t rows;                    /* of pushed manifests and blobs that nothing needs: forgotten */
    uint64_t segments, segment_bytes; /* of access records that retention took away */
    uint64_t scans;                   /* remembered answers about blobs that are gone, and those of another scanner */
    uint64_t images;                  /* unpacked engine images of releases that are gone */
};

/* ERR_IO, ERR_DENIED (clock, backup). Interrupted, the next one goes on. */
int gc_run(struct site *s, const struct gc_options *o, struct gc_result *out, struct err *e);
