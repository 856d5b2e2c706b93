#include "fuzz.h"

#include "parse/yaml_file.h"

static const struct template_rules RULES;

FUZZ_READER(yaml_file_check(input, &RULES, &r))
