#include "fuzz.h"

#include "parse/safetensors.h"

FUZZ_READER(safetensors_check(input, &r))
