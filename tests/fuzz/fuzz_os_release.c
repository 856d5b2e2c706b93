#include "fuzz_inventory.h"

#include "parse/os_release.h"

FUZZ_RECORD("etc/os-release", (os_release_read(input, &v), 0))
