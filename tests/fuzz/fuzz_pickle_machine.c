#include "fuzz.h"
#include "parse/pickle_machine.h"

/* A machine that keeps every list, as the reader of stacked pickles has it. */
static void run(struct span input, struct report *r)
{
    auto_machine m = {.file = input, .r = r, .keep_lists = true};
    if (machine_run(&m) == 0 && m.end > input.len)
        abort();
    if (m.blocked_names > 0 && r->heavy == 0)
        abort();
}

FUZZ_READER(run(input, &r))
