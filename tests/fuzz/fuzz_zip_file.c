#include "fuzz.h"

#include "parse/zip_file.h"

/* As a file of a person, or, when its length is odd, as a part of a package. */
static void check(struct span input, struct report *r)
{
    struct inspect_options o = {.name = "a.zip", .stands = input.len % 2 != 0};
    zip_file_check(input, &o, r);
}

FUZZ_READER(check(input, &r))
