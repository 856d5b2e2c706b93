/* The first byte says which kind of database this is. */
#include "fuzz_inventory.h"

#include "parse/rpmdb.h"

static void read_one(struct span s, struct inventory *v)
{
    uint8_t which = 0;
    span_take_u8(&s, &which);
    (which % 2 ? rpmdb_ndb_read : rpmdb_sqlite_read)(s, v);
}

FUZZ_RECORD("var/lib/rpm/rpmdb.sqlite", (read_one(input, &v), 0))
