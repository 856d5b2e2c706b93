#include "fuzz.h"

#include "parse/personal.h"

FUZZ_READER(personal_check(input, size & 1 ? "AUTHORS" : "a.txt", &r))
