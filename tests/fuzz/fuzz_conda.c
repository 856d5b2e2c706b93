#include "fuzz_inventory.h"

#include "parse/conda.h"

FUZZ_RECORD("conda-meta/a-1-0.json", (conda_read(input, &v), 0))
