#include "fuzz.h"

#include "parse/hdf5.h"

static void check(struct span input)
{
    if (hdf5_is_placeholder(input) && input.len < 8)
        abort();
}

FUZZ_READER(check(input))
