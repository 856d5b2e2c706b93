/* prompts.yaml of a release (docs/formats/prompts.md), checked and turned into JSON: the op "prompts" of the parse
 * role. The reply is {"system": TEXT, "warmup": [TEXT…], "parameters": {…}} with numbers as numbers. */
#pragma once

#include "util/buf.h"

#define PROMPTS_WARMUP_MAX     16U
#define PROMPTS_PARAMETERS_MAX 16U

/* `arg` is the document's name for messages; empty: "prompts.yaml". ERR_INPUT with the line, ERR_LIMIT. */
int prompts_op(struct span input, struct span arg, struct buf *reply, struct err *e);
