/* Files of joblib (joblib/numpy_pickle.py, numpy_pickle_compat.py): pickles in whose stream the bytes of arrays stand
 * right behind the object that describes them, plain or compressed. Hard rule: such a file is two files, since a plain
 * loader takes the arrays' bytes for opcodes; it passes only when neither reading does harm. */
#pragma once

#include "parse/inspect.h"

/* zlib's form, as it is or behind "ZF" and its length in hex, as joblib wrote until 0.9. */
bool joblib_is_deflated(struct span file);

/* Unpacks it and looks at what is in there under the name without the last suffix. */
void joblib_deflated_check(struct span file, const struct inspect_options *o, struct report *r);
