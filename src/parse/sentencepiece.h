/* tokenizer.model of sentencepiece (sentencepiece_model.proto, ModelProto): pieces, their kinds, and the table by which
 * characters are changed before. Hard rule: each piece has one number, and no two are the same. */
#pragma once

#include "parse/report.h"

/* Pieces of the largest vocabularies: 260,000. */
#define LIMIT_PIECES 4000000U

/* Does it begin with a piece? Protocol buffers have no magic. */
bool sentencepiece_is(struct span file);

/* Facts: tokens. */
void sentencepiece_check(struct span file, struct report *r);
