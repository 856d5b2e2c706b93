#include "fuzz.h"
#include "parse/torch.h"

static void check(struct span input, struct report *r)
{
    if (torch_is_stacked(input))
        torch_stacked_check(input, r);
}

FUZZ_READER(check(input, &r))
