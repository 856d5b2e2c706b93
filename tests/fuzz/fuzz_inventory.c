/* Two lines: a name and a version; then a path a line, claimed. */
#include "fuzz_inventory.h"

static void put_all(struct span s, struct inventory *v)
{
    struct found_package p = {.type = "deb"};
    struct span path;
    inventory_line(&s, &p.name);
    inventory_line(&s, &p.version);
    v->root = SPAN_LIT("rootfs/");
    inventory_put(v, &p);
    inventory_claims(v, "deb", p.name, p.version);
    while (inventory_line(&s, &path))
        inventory_claim(v, path, HASH_MD5, (struct span){0}, false);
    inventory_claims_end(v);
}

FUZZ_RECORD("var/lib/dpkg/status", (put_all(input, &v), 0))
