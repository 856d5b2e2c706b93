/* What was pushed and nothing needs: blobs that no manifest of their view needs, and manifests that neither have a tag
 * nor are needed by one that stays, nor hang on one. A push that is refused or given up leaves such. Hard rule: what
 * came within the grace stays, with everything that it needs; and of a view in which a manifest cannot be read,
 * everything stays. */
#pragma once

#include "site/site.h"

struct gc_pushed; /* what is to go */

/* Looks, without a transaction. NULL: ERR_IO, ERR_UNDECIDED (the parse process). */
struct gc_pushed *gc_pushed_look(struct site *s, struct blobs *pushed, int64_t before_s, struct err *e);
void gc_pushed_free(struct gc_pushed *g); /* NULL is fine */

/* Inside a transaction: the rows go, but of no view into which something came since the look. Their files are then
 * needed by nothing (db_push_needed). *rows counts. */
int gc_pushed_forget(struct site *s, const struct gc_pushed *g, uint64_t *rows, struct err *e);
