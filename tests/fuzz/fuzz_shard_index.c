#include "fuzz.h"

#include "parse/shard_index.h"

static void check(struct span input, struct report *r)
{
    struct err e;
    auto_json root = json_parse(input, 1U << 20, "input", &e);
    shard_index_facts(root, r);
}

FUZZ_READER(check(input, &r))
