/* ELF, 32 and 64 bit, little-endian (System V gABI, chapters 4 and 5): every header, segment, section and dynamic
 * entry, to the end of the file. */
#pragma once

#include "parse/report.h"

/* Does it begin like one? Enough bytes of the identification that no weights do so by chance. */
bool elf_begins(struct span s);

/* Checks the whole file. Facts: class, type, machine, interpreter, soname, needed, runpath, build_id. 0, or -1 when
 * reading stopped at a finding. */
int elf_check(struct span file, struct report *r);
