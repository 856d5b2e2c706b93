/* Lock files as a source of the inventory: what they pin is declared, with the hashes that delivered files are held
 * against. Any reader of lock.h serves; here an entry that nothing pins is listed too, with a remark. */
#pragma once

#include "parse/inventory.h"

/* "npm" for "a/package-lock.json"; NULL: no lock file by its name. */
const char *lock_kind_of(const char *path);

void lock_inventory_read(struct span file, struct inventory *v);
