#include "fuzz.h"

#include "parse/elf.h"

FUZZ_READER(elf_check(input, &r))
