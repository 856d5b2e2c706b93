/* Byte code of Python (.pyc, PEP 552). What it does, nobody here reads. Hard rule: it is only ever as good as who
 * vouches for it, and then only when its header says that it was made of the very source that lies beside it. */
#pragma once

#include <stdbool.h>

#include "util/span.h"

/* Where the source of such a file lies, by PEP 3147: "a/__pycache__/b.cpython-311.opt-1.pyc" is made of "a/b.py".
 * False: the path is none of that form, or is longer than `size`. */
bool pyc_source_path(const char *path, char *out, size_t size);

/* Does the header (of Python 3.7 and later) hold the hash of this source? *why, static, says what it is when not: a
 * header that names a time instead says nothing of what the source was. */
bool pyc_is_made_of(struct span pyc, struct span source, const char **why);
