/* A Markdown document without its code (CommonMark 0.31: fenced blocks, 4.5; code spans, 6.1), so that what is left and
 * looks like HTML is HTML. Hard rule: in doubt it is no code: inside of a block of HTML (4.6), behind a tag in the same
 * paragraph, over the end of a line, and where the code is only indented, nothing is taken away. */
#pragma once

#include "util/buf.h"

/* Appends a copy of `file`, of the same length and with the same lines; code is spaces. Out of room: nothing. */
void markdown_without_code(struct span file, struct buf *out);
