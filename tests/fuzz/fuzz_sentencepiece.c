#include "fuzz.h"

#include "parse/sentencepiece.h"

FUZZ_READER((sentencepiece_is(input), sentencepiece_check(input, &r)))
