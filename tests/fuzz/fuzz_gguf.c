#include "fuzz.h"

#include "parse/gguf.h"

static const struct template_rules RULES;

FUZZ_READER(gguf_check(input, "model.gguf", &RULES, &r))
