/* What the two files of access share: where segments lie, and how a batch's bytes become leaves. */
#pragma once

#include "ledger/access.h"
#include "ledger/merkle.h"
#include "store/db_access.h"

#define ACCESS_DIR       "access"
#define ACCESS_SUFFIX    ".jsonl"
#define ACCESS_ACTION    "access-batch"
#define ACCESS_NAME_SIZE 32

/* A segment is closed when it is this long: short enough to be read whole for a proof. */
#define SEGMENT_BYTES (16U << 20)

/* One record; prompts, where a contour records them, are the largest part. */
#define RECORD_MAX_BYTES (1U << 20)

/* Records that wait for the disk: beyond it new ones are refused, and so are the requests that they belong to. */
#define PENDING_MAX_BYTES (32U << 20)

/* A segment is named by its first record, so that names sort and none is used twice. */
struct segment_name {
    char text[ACCESS_NAME_SIZE];
};
struct segment_name segment_name(uint64_t first);

bool access_segment_name_ok(const char *name);

/* Takes the number from the head of a line, `{"id":17,`. */
bool record_id(struct span line, uint64_t *id);

/* Adds the leaf of each line of `bytes` to *leaves (an array of struct digest), and requires that they are whole lines
 * numbered from `first`. Returns their number, or -1 with *e naming the first line that is not. */
int64_t segment_leaves(struct span bytes, uint64_t first, struct buf *leaves, struct err *e);

struct digest leaves_root(const struct buf *leaves);
