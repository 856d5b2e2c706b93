#include "fuzz.h"

#include "parse/npm_package.h"

static void check(struct span input, struct report *r)
{
    struct inspect_options o = {.name = "demo-1.0.0.tgz"};
    auto_package_facts p;
    package_facts_init(&p, o.name);
    npm_package_check(input, &o, &p, r);
}

FUZZ_READER(check(input, &r))
