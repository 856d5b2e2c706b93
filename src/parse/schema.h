/* JSON documents held against one of the schemas of schema_tables.h: the keywords of JSON Schema draft-07 and 2019-09
 * that those use, formats asserted. Where a value may have several forms (oneOf, anyOf) and has none, the form that
 * fits best says what is wrong. Hard rule: a document that takes more than LIMIT_SCHEMA_STEPS steps has a problem, it
 * is never called valid. */
#pragma once

#include "parse/problems.h"
#include "parse/schema_tables.h"

/* Keywords that are looked at for one document: some hundred times what the largest real ones need (0.8 MB: 300,000),
 * some seconds at the most. */
#define LIMIT_SCHEMA_STEPS 200000000ULL

/* True when nothing is wrong; else `out` has at least one more problem, each with the keyword as its rule. */
bool schema_check_document(enum schema_root root, const json_t *document, struct problems *out);
