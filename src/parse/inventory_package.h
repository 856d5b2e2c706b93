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

/* What the bytes of a wheel say of its licence, into an inventory that takes licences only. Other packages are read by
 * their own check, with inspect_options.inventory. */
void inventory_wheel_licences(struct span file, struct inventory *v);

/* Writes the member "licence" into an open object of facts, of what such an inventory holds of the package of that
 * name:
 * {"said"?, "expression"?, "differs"?: true} (licence_conclude). */
void inventory_package_licence(struct inventory *v, const char *type, const char *name, struct json_out *facts);
