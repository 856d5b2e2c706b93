/* Debian packages (deb(5), deb-control(5); names and versions: Debian Policy 5.6.1 and 5.6.12; md5sums:
 * deb-md5sums(5)): an ar archive of debian-binary, control.tar and data.tar. Hard rule: control, file name and, where
 * there are md5sums, each file agree. */
#pragma once

#include "parse/package.h"

#define LIMIT_DEB_NAME         128U /* of a name, and of a version */
#define LIMIT_DEB_ARCHITECTURE 31U

/* Checks the whole file. Facts: none but those of "about". */
void deb_check(struct span file, const struct inspect_options *o, struct package_facts *p, struct report *r);

/* What a Packages index can say of a package; the same rule when it is packed, scanned and served. */

/* Name, version and architecture have the characters that Debian allows, and the lengths that an index takes. */
bool deb_identity_is_right(const char *name, const char *version, const char *architecture);

/* NAME_VERSION_ARCHITECTURE.deb: archives leave the epoch out, apt writes its colon as %3a. */
bool deb_filename_agrees(const char *filename, const char *name, const char *version, const char *architecture);

/* A field of control that can stand there as it is: it begins no other field and no other paragraph. */
bool deb_field_is_right(struct span name, struct span value);
