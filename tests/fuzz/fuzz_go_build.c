/* The first byte says whether the rest is a section, or a program. */
#include "fuzz_inventory.h"

#include "parse/go_build.h"

static void read_one(struct span s, struct inventory *v)
{
    uint8_t which = 0;
    struct elf_parts elf;
    span_take_u8(&s, &which);
    bool is_elf = elf_parts_open(s, &elf);
    if (which % 2)
        go_build_find(s, is_elf ? &elf : NULL, v);
    else
        go_build_read(s, NULL, v);
}

FUZZ_RECORD("a", (read_one(input, &v), 0))
