/* Any JSON document in one normal form: compact, strings escaped in one way, duplicate keys, trailing bytes and what is
 * no Unicode refused. The op "json" of the parse role: how a document that came from outside is read without parsing
 * its own bytes in the asking process. */
#pragma once

#include "util/buf.h"

/* `arg`: the largest input in bytes as a decimal number, at most half of LIMIT_MESSAGE_BYTES; empty: LIMIT_JSON_BYTES.
 * The reply is the same document, members in the order in which they stood. ERR_INPUT with line and column, ERR_LIMIT.
 */
int json_norm_op(struct span input, struct span arg, struct buf *reply, struct err *e);
