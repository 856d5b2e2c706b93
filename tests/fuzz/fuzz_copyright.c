#include "fuzz_inventory.h"

#include "parse/copyright.h"

FUZZ_RECORD("usr/share/doc/a/copyright", (copyright_read(input, &v), 0))
