/* skops files (a zip with schema.json and arrays): scikit-learn models without pickle. Loading imports the types that
 * schema.json names. Hard rule: only types of scikit-learn, NumPy and SciPy and plain ones of Python pass, and nothing
 * that calls a function. */
#pragma once

#include "parse/zip_file.h"

bool skops_is_zip(const struct zip *z, const char *name);

/* schema.json, and each member through its own reader. Facts: protocol, types (a count). */
void skops_zip_check(const struct zip *z, const struct inspect_options *o, struct report *r);
