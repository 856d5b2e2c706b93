#include "fuzz.h"
#include "parse/pickle.h"

static void look(struct span input, struct report *r)
{
    size_t budget = 16U << 20;
    pickle_look_nested(input, 0, 0, &budget, r);
}

FUZZ_READER(look(input, &r))
