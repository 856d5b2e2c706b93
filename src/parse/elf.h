/* ELF, 32 and 64 bit, little-endian (System V gABI, chapters 4 and 5): every header, segment, section and dynamic
 * entry, to the end of the file. */
#pragma once

#include "parse/report.h"

/* Checks the whole file. Facts: class, type, machine, interpreter, soname, needed, runpath, build_id. 0, or -1 when
 * reading stopped at a finding. */
int elf_check(struct span file, struct report *r);
