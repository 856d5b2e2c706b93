/* The first byte chooses the name that the package has. */
#include "fuzz_inventory.h"

#include "parse/inventory_package.h"

static void read_one(struct span s, struct inventory *v)
{
    static const char *const names[] = {
        "demo-1.0-py3-none-any.whl", "demo_1.0_all.deb", "demo-1.0.tar.gz", "demo-1.0.apk",
        "demo-1.0-0.conda",          "demo-1.0.tgz",     "demo-1.rpm"};
    uint8_t which = 0;
    span_take_u8(&s, &which);
    v->path = names[which % 7];
    if (which & 0x80)
        inventory_pkginfo_read(s, v);
    else
        inventory_package_read(s, v, 0);
}

FUZZ_RECORD("", (read_one(input, &v), 0))
