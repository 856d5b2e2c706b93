#include "fuzz.h"

#include "parse/fields.h"

static void check(struct span input, struct report *r)
{
    auto_fields f = {0};
    char name[64];
    if (fields_read(input, "METADATA", &f, r) == 0)
        fields_need(&f, "Name", "METADATA", name, sizeof name, r);
}

FUZZ_READER(check(input, &r))
