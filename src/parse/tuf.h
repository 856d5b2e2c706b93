/* TUF metadata files (The Update Framework 1.0.34, section 4): {"signed": {…}, "signatures": [{"keyid", "sig"}]}, and
 * the canonical JSON that signatures cover: keys sorted by their bytes, no white space, no reals, and in strings only
 * the quotation mark and the backslash escaped, so that control characters stand raw. Hard rule: one document has one
 * canonical form; what could have two is refused. */
#pragma once

#include "util/buf.h"
#include "util/json.h"

/* The op "tuf" of the parse role; `arg` is not used. The reply needs no JSON parser:
 *
 *     be32 length, canonical bytes of "signed" · be32 number of signatures, and for each:
 *     64 bytes keyid (lower-case hex) · be32 length, signature (empty when its text was no hex: it cannot be right)
 *
 * Refused: duplicate keys, a keyid twice in "signatures" or of another form, integers of 2^53 and more, reals. */
int tuf_op(struct span input, struct span arg, struct buf *reply, struct err *e);

/* Appends the canonical form of a value. ERR_INPUT for a real, or an integer that is not within ±(2^53 - 1). */
int tuf_canonical(const json_t *value, struct buf *out, struct err *e);

/* Reads canonical bytes back; for bytes whose signature or digest was looked at. New reference, or NULL. `what` names
 * them in messages. */
json_t *tuf_canonical_read(struct span canonical, const char *what, struct err *e);
