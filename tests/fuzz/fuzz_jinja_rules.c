#include "fuzz.h"

#include "parse/jinja_rules.h"

static void rules(struct span input, struct report *r)
{
    auto_jinja j = {0};
    if (jinja_parse(&j, input))
        jinja_rules_check(&j, "", true, r);
}

FUZZ_READER((rules(input, &r), 0))
