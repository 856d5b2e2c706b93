/* Packages of npm: a gzipped tar of one folder (usually "package") with package.json in it (npm-package-json(5); names:
 * validate-npm-package-name's rules for old and new packages together; versions: Semantic Versioning 2.0.0). */
#pragma once

#include "parse/package.h"

/* Checks the whole file. Facts: those of the tar. */
void npm_package_check(struct span file, const struct inspect_options *o, struct package_facts *p, struct report *r);
