#include "fuzz.h"

#include "parse/jinja.h"

static const struct template_rules RULES;

FUZZ_READER((jinja_check(input, "template", "", &RULES, NULL, &r),
             jinja_check_text(input, "text", "", &RULES, NULL, &r), jinja_has_hidden(input)))
