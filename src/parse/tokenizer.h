/* tokenizer.json of the library tokenizers: what is done to a text before and after the model. It holds no code, but
 * regular expressions, which can take for ever, and tables that can call one thing by another's name. Hard rule: each
 * part is of a kind in our tables; another is not understood. */
#pragma once

#include "parse/report.h"

/* Is this the file, by its name or by its members? */
bool tokenizer_is(const json_t *root, const char *base);

void tokenizer_check(const json_t *root, struct report *r);

/* Facts: tokens, of the vocabulary. */
void tokenizer_facts(const json_t *root, struct report *r);

/* What can make a regular expression (Oniguruma's, also as others write them) take for ever on a text, in words, or
 * NULL: a repetition of a repetition, of alternatives that begin alike, a reference back to what was found, huge
 * counts. */
const char *tokenizer_regex_hazard(struct span regex);
