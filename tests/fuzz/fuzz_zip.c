#include "fuzz.h"

#include "parse/zip.h"

static void check(struct span input, struct report *r)
{
    struct inspect_options o = {.name = "a.zip", .stands = true};
    zip_check(input, &o, r);
}

FUZZ_READER(check(input, &r))
