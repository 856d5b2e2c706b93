/* Parts of a program by their names and addresses, for readers of what compilers leave inside: sections, and the bytes
 * that lie at an address. ELF of either class and byte order (System V ABI, chapter 4). Pure look-ups: whether the file
 * as a whole is right, elf.h says. */
#pragma once

#include "util/span.h"

struct elf_parts {
    struct span file; /* borrowed */
    bool wide, big;
    uint64_t sections, segments; /* where the tables lie */
    uint16_t section_count, section_size, segment_count, segment_size;
    struct span names; /* of the sections */
};

/* False: no ELF file whose tables can be read. */
bool elf_parts_open(struct span file, struct elf_parts *out);

/* The bytes of the first section of this name. */
bool elf_parts_section(const struct elf_parts *p, const char *name, struct span *out);

/* The bytes from an address on, through the segment that loads it. */
bool elf_parts_at(const struct elf_parts *p, uint64_t address, struct span *out);
