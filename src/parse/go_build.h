/* Which modules a Go program was built from: the build information that the linker leaves in it (Go's package
 * debug/buildinfo and runtime/debug). Both forms are read: strings in the section itself (since Go 1.18), and pointers
 * to them. */
#pragma once

#include "parse/elf_parts.h"
#include "parse/inventory.h"

/* `section` begins with the magic of build information; `elf` (or NULL) resolves the pointers of the old form. */
void go_build_read(struct span section, const struct elf_parts *elf, struct inventory *v);

/* A program of any format: looks for the section, or, where there are no sections, for the magic. */
void go_build_find(struct span file, const struct elf_parts *elf, struct inventory *v);

/* Adds the module; "a/b/c" is namespace "a/b" and name "c". An empty version, or "(devel)": no version is known. */
int go_put(struct inventory *v, struct span path, struct span version, bool declared);
