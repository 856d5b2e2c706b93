/* The first byte says which of the three files of a package this is. */
#include "fuzz_inventory.h"

#include "parse/alpm.h"

static void read_one(struct span s, struct inventory *v)
{
    uint8_t which = 0;
    span_take_u8(&s, &which);
    (which % 3 == 0 ? alpm_desc_read : which % 3 == 1 ? alpm_files_read : alpm_mtree_read)(s, v);
}

FUZZ_RECORD("var/lib/pacman/local/a-1.0-1/desc", (read_one(input, &v), 0))
