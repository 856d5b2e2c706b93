#include "fuzz.h"
#include "parse/numpy.h"

FUZZ_READER(numpy_check(input, &r))
