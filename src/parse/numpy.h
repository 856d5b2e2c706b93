/* NumPy's files (numpy/lib/format.py): .npy, one array behind a header that is a literal of Python, and .npz, a zip
 * file of those. Hard rule: the header is read by a grammar of our own and nothing evaluates it; type and shape must
 * make exactly the bytes that follow; an array of objects is a pickle and never clean. */
#pragma once

#include "parse/inspect.h"
#include "parse/zip.h"

/* numpy.load refuses a longer header itself (max_header_size). */
#define LIMIT_NUMPY_HEADER_BYTES 10000U

/* Facts: shape, dtype bytes. */
void numpy_check(struct span file, struct report *r);

/* Named .npz, or nothing in it but .npy. */
bool numpy_is_zip(const struct zip *z, const char *name);
void numpy_zip_check(const struct zip *z, const struct inspect_options *o, struct report *r);
