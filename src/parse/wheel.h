/* Wheels (binary distribution format, PEP 427 and its successor page "binary-distribution-format"; RECORD: PEP 376 and
 * "recording-installed-packages"; file name: "File name convention"; entry points: "entry-points"). Hard rule: every
 * member but RECORD itself is listed in RECORD with the hash of its bytes, and file name, dist-info folder and METADATA
 * name the same package and version. */
#pragma once

#include "parse/package.h"

/* Checks the whole file. Facts of the report: members, bytes. */
void wheel_check(struct span file, const struct inspect_options *o, struct package_facts *p, struct report *r);
