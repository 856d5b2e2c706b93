#include "fuzz_inventory.h"

#include "parse/lock_inventory.h"

FUZZ_RECORD("yarn.lock", (lock_inventory_read(input, &v), 0))
