#include "fuzz.h"
#include "parse/pickle.h"

FUZZ_READER(pickle_check(input, &r))
