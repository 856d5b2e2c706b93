/* Packages of npm where they are installed: package.json below node_modules, and of a project of its own (npm's
 * documentation, "package.json"). Hard rule: below node_modules only the package.json at a package's top is one; the
 * others say how a folder of it is to be loaded. */
#pragma once

#include "parse/inventory.h"

void npm_tree_read(struct span file, struct inventory *v);

/* "node_modules/a/package.json" and "node_modules/@s/a/package.json"; *inside: there is a node_modules in the path. */
bool npm_tree_is_top(const char *path, bool *inside);
