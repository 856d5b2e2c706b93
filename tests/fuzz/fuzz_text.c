#include "fuzz.h"

#include "parse/text.h"

FUZZ_READER((text_check(input, &r), text_hazard(input)))
