#include "fuzz.h"

#include "parse/sdist.h"

static void check(struct span input, struct report *r)
{
    struct inspect_options o = {.name = "demo-1.0.tar.gz"};
    auto_package_facts p;
    package_facts_init(&p, o.name);
    sdist_check(input, &o, &p, r);
}

FUZZ_READER(check(input, &r))
