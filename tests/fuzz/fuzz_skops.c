#include "fuzz.h"

#include "parse/skops.h"

static void check(struct span input, struct report *r)
{
    struct inspect_options o = {.name = "a.skops"};
    auto_zip z = {0};
    if (zip_open(input, &z, r) == 0)
        skops_zip_check(&z, &o, r);
}

FUZZ_READER(check(input, &r))
