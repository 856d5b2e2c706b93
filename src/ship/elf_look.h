/* What packing must know of a program: does it need a loader of the host (PT_INTERP, ELF gABI chapter 5)? The scanner
 * in the contour reads ELF to its end; this look is for the person who packs. */
#pragma once

#include "util/buf.h"

/* 1: an ELF file that needs the interpreter *interp (NUL-terminated, at most 255 characters); 0: an ELF file that needs
 * none (static); -1 with ERR_INPUT: no ELF program that this can run. `name` for messages. */
int elf_interpreter(int fd, const char *name, char interp[256], struct err *e);
