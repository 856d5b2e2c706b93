/* Go's lists of modules in source trees: go.mod (Go Modules Reference, "go.mod files") and vendor/modules.txt. What
 * they name is declared; what a program was built from, go_build.h reads. */
#pragma once

#include "parse/inventory.h"

void go_mod_read(struct span file, struct inventory *v);    /* what it requires, replaced as it says */
void go_vendor_read(struct span file, struct inventory *v); /* vendor/modules.txt */
