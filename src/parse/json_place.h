/* Where in a JSON document a byte stands, as JSON pointer (RFC 6901): for errors of the parser, which knows offsets
 * only. Works on broken documents, up to the byte that is asked for. */
#pragma once

#include "util/buf.h"

/* Members of objects and items of arrays that the pointer descends at most: what lies deeper is named by its outer
 * part.
 */
#define JSON_PLACE_DEPTH 64U

/* Appends the pointer of the value, or of the member whose name was read last, at `offset` of `text`. "" for the
 * document itself. */
void json_place(struct span text, size_t offset, struct buf *out);
