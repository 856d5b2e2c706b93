#include "fuzz_inventory.h"

#include "parse/jar.h"

FUZZ_RECORD("a-1.0.jar", (jar_read(input, &v, 0), 0))
