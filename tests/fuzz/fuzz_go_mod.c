/* The first byte says whether this is go.mod or vendor/modules.txt. */
#include "fuzz_inventory.h"

#include "parse/go_mod.h"

static void read_one(struct span s, struct inventory *v)
{
    uint8_t which = 0;
    span_take_u8(&s, &which);
    (which % 2 ? go_vendor_read : go_mod_read)(s, v);
}

FUZZ_RECORD("go.mod", (read_one(input, &v), 0))
