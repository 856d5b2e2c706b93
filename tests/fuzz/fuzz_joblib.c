#include "fuzz.h"
#include "parse/joblib.h"
#include "parse/pickle.h"

static void check(struct span input, struct report *r)
{
    struct inspect_options o = {.name = "model.joblib"};
    if (joblib_is_deflated(input))
        joblib_deflated_check(input, &o, r);
    else
        pickle_check(input, r);
}

FUZZ_READER(check(input, &r))
