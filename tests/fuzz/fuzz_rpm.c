/* The first byte says whether this is a package file, a header, or a manifest of a container. */
#include "fuzz_inventory.h"

#include "parse/rpm.h"

static void read_one(struct span s, struct inventory *v)
{
    static const struct inspect_options o = {.name = "a.rpm"};
    struct rpm_header h;
    uint8_t which = 0;
    size_t used;
    span_take_u8(&s, &which);
    if (which % 3 == 0)
        rpm_read(s, &o, v);
    else if (which % 3 == 1)
        rpm_manifest_read(s, v);
    else if (rpm_header_open(s, &h, &used))
        rpm_put(&h, v);
}

FUZZ_RECORD("a.rpm", (read_one(input, &v), 0))
