/* Work that several helpers share: each thread has a helper of its own and takes one job after the other; answers are
 * kept in the order of the jobs, so that the same tree gives the same inventory. */
#pragma once

#include "scan/inventory_model.h"

struct work_job {
    int fd;           /* to be read; borrowed, or -1: opened by the thread, at `path` below the root */
    const char *path; /* of the tree */
    uint32_t file;    /* index of model_file, or UINT32_MAX */
    bool layer, top;
    uint64_t offset, size; /* a part of the file; size 0: all of it */
    bool look;             /* asks a helper; else only the file's hash is taken and its first bytes decide */
    json_t *reply;         /* owned; what the helper said */
    struct err why;        /* code != 0: it said nothing */
    bool unread;           /* could not be opened or read */
    struct digest digest;  /* of a whole file, where wanted */
};

struct work {
    struct inventory_store *store;
    int root; /* directory; borrowed, or -1 */
    struct work_job *jobs;
    size_t count;
    bool want_sha256; /* every job's digest is taken */
};

/* Carries all jobs out. -1: no helper can be had (ERR_SYSTEM). */
int work_run(struct work *w, struct err *e);
