/* Source distributions of Python (PEP 625, PEP 643; "source-distribution-format"): NAME-VERSION.tar.gz, one folder of
 * that name with PKG-INFO in it. */
#pragma once

#include "parse/package.h"

/* Checks the whole file. Facts: those of the tar. */
void sdist_check(struct span file, const struct inspect_options *o, struct package_facts *p, struct report *r);
