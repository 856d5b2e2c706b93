/* Debian packages (deb(5), deb-control(5); names and versions: Debian Policy 5.6.1 and 5.6.12; md5sums:
 * deb-md5sums(5)): an ar archive of debian-binary, control.tar and data.tar. Hard rule: control, file name and, where
 * there are md5sums, each file agree. */
#pragma once

#include "parse/package.h"

/* Checks the whole file. Facts: none but those of "about". */
void deb_check(struct span file, const struct inspect_options *o, struct package_facts *p, struct report *r);
