#include "fuzz.h"
#include "parse/torch.h"

static void check(struct span input, struct report *r)
{
    struct inspect_options o = {.name = "model.pt"};
    auto_zip z = {0};
    if (zip_open(input, &z, r) == 0 && torch_is_zip(&z, o.name))
        torch_zip_check(&z, &o, r);
}

FUZZ_READER(check(input, &r))
