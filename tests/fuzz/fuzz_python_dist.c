/* The first byte says whether this is METADATA or RECORD. */
#include "fuzz_inventory.h"

#include "parse/python_dist.h"

static void read_one(struct span s, struct inventory *v)
{
    uint8_t which = 0;
    span_take_u8(&s, &which);
    (which % 2 ? python_record_read : python_dist_read)(s, v);
}

FUZZ_RECORD("lib/a-1.0.dist-info/RECORD", (read_one(input, &v), 0))
