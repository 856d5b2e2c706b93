/* The inventory of one package file or archive: what it is itself, and what is in it (a wheel with vendored packages
 * and libraries, a source archive with node_modules). Identity comes out of the package (package.h); of archives that
 * are no package every member is read as if it lay in a folder. Members are named OUTER!/INNER. */
#pragma once

#include "parse/inventory.h"

/* By the end of its name: .whl .deb .rpm .apk .conda .tgz .tar.gz .tar.bz2 .tar.xz .tar.zst .crate */
bool inventory_is_package(const char *path);

void inventory_package_read(struct span file, struct inventory *v, unsigned nested);

/* Alpine's .PKGINFO (apk-package(5)): KEY = VALUE lines. */
void inventory_pkginfo_read(struct span file, struct inventory *v);
