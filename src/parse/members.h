/* The members of an archive as a list that two archives can be compared by: a wheel (zip) or a source distribution
 * (tar behind gzip, bzip2 or xz), through libarchive from memory. The op "members" of the parse role. Nothing is
 * judged here: that is what the readers of packages do. */
#pragma once

#include "util/buf.h"

#define LIMIT_MEMBERS       65535U
#define LIMIT_MEMBERS_BYTES (4ULL << 30) /* that come out of one archive */

/* `arg` is the archive's name for messages. Reply: {"newest": seconds, "members": [{"path", "type": "file"|"folder"|
 * "link", "mode", "mtime", "size", "sha256"}]}, in the order in which they lie; mtime in seconds since 1970 (of a zip:
 * its local time, read as UTC). "newest" is the latest mtime, 0 when there is none. ERR_INPUT, ERR_LIMIT. */
int members_op(struct span input, struct span arg, struct buf *reply, struct err *e);
