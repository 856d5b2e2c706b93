/* What a wheel's METADATA says that it needs (core metadata, "Requires-Dist"; dependency specifiers, PEP 508): names
 * only. The op "requires" of the parse role. What a marker makes depend on an extra is left out, because nobody asked
 * for the extra; whether another marker holds is for pip to say, and `sure` is false. */
#pragma once

#include "util/buf.h"

#define LIMIT_REQUIRES 2000U /* of one package; the largest known has 400, nearly all behind extras */

/* Reply: {"requires": [{"name": PEP 503 form, "text": as written, "sure": bool}]}. A line that is no requirement:
 * ERR_INPUT. */
int requires_op(struct span input, struct span arg, struct buf *reply, struct err *e);
