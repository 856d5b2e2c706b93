#include "fuzz.h"

#include "parse/image_config.h"

FUZZ_READER((image_config_is(input), image_config_check(input, &r)))
