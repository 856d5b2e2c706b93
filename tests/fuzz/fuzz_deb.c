#include "fuzz.h"

#include "parse/deb.h"

static void check(struct span input, struct report *r)
{
    struct inspect_options o = {.name = "demo_1.0_all.deb"};
    auto_package_facts p;
    package_facts_init(&p, o.name);
    deb_check(input, &o, &p, r);
}

FUZZ_READER(check(input, &r))
