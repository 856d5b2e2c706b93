/* One file of advisories, whatever it is: a record of OSV, a zip of such records as OSV exports them, the Debian
 * tracker's JSON, the KEV catalogue. It is read piece by piece, so that an export of some hundred MB needs no more
 * memory than its largest record. Pure. Hard rule: what is read is counted against what the file says it holds; a file
 * that is cut off is refused, not read as a shorter one. */
#pragma once

#include "parse/advisory_row.h"

enum advisory_source_kind { SOURCE_OSV = 1, SOURCE_OSV_ZIP, SOURCE_DEBIAN, SOURCE_KEV };

/* The op "advisories-read". arg: {"name": file name, "from"?: N, "count"?: N}; 0: the beginning. Reply, little-endian:
 * u8 kind · u8 done · u64 where to go on · u64 members so far · i64 the file's own date (0: none) · u32 members that
 * are no records (licence texts and the like) · rows (advisory_row.h). ERR_INPUT, ERR_LIMIT: nothing of it can be
 * taken. */
int advisory_source_op(struct span input, struct span arg, struct buf *reply, struct err *e);

struct advisory_source_reply {
    enum advisory_source_kind kind;
    bool done;
    uint64_t next, count;
    int64_t date_s;
    uint32_t skipped;
    struct span rows;
};
/* The asker's side; false: it is none. */
bool advisory_source_reply_read(struct span reply, struct advisory_source_reply *out);
