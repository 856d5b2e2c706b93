/* Takes a DSSE envelope apart (secure-systems-lab/dsse, envelope.md, 1.0.2): JSON, duplicate keys refused, unknown
 * members ignored, base64 in either alphabet. The op "dsse" of the parse role. Hard rule: nothing here says that an
 * envelope is right; only src/trust, which has the keys, does. */
#pragma once

#include "util/buf.h"

/* `arg` is not used. The reply has no JSON in it, so that nothing needs parsing before a signature was looked at:
 *
 *     be32 length, payload type (printable ASCII) · be32 length, payload · be32 number of signatures, and for each:
 *     be32 length, keyid (printable ASCII, may be empty) · be32 length, signature (may be empty)
 *
 * ERR_INPUT: malformed. ERR_LIMIT: more than LIMIT_SIGNATURES signatures, or an envelope of more than half of
 * LIMIT_MESSAGE_BYTES. */
int dsse_op(struct span input, struct span arg, struct buf *reply, struct err *e);
