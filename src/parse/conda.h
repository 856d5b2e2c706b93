/* Packages of conda: conda-meta/NAME-VERSION-BUILD.json in an environment, with the files that it owns, and
 * info/index.json of a package file (conda's documentation, "Package metadata"). */
#pragma once

#include "parse/inventory.h"

#define LIMIT_CONDA_BYTES (64U << 20) /* a record of 100,000 files has 30 MiB */

void conda_read(struct span file, struct inventory *v);
