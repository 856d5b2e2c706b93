/* What the two files of blobs share. Hard rule: everybody else uses blobs.h. */
#pragma once

#include "store/blobs.h"

struct blobs {
    int dir;    /* the layout's own directory, for its path in messages only */
    int sha256; /* blobs/sha256 */
    char *path; /* owned */
    bool batch; /* names are made durable at the end, all at once */
};

/* Names below blobs/sha256 that are not blobs: a writer's file on file systems without O_TMPFILE. The writer holds a
 * lock on it, so a file that nobody has locked was left by a process that died. */
#define BLOB_TEMPORARY_PREFIX ".tmp-"

/* Lets the disk begin with the bytes between *begun and `written` while the rest still comes, so that the fsync at the
 * end finds little to do. Advice: what it cannot do, the fsync does. */
void blobs_begin_writeback(int fd, uint64_t *begun, uint64_t written);

/* The directory changed: fsync now, or at the end of the batch. */
int blobs_changed(struct blobs *b, struct err *e);
