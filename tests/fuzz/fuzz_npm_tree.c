#include "fuzz_inventory.h"

#include "parse/npm_tree.h"

FUZZ_RECORD("node_modules/a/package.json", (npm_tree_read(input, &v), 0))
