/* suite.yaml of a release (docs/formats/suite.md), checked and turned into JSON: the op "suite" of the parse role. The
 * reply is {"cases": [{"name", "messages": [{"role", "content"}], "max_tokens"?, "assert": [{KIND: VALUE}…]}]} with one
 * kind an assertion; the value of json-schema is JSON as its YAML means it: plain true, false, null and numbers are
 * those, everything else is a string. */
#pragma once

#include "util/buf.h"

#define SUITE_CASES_MAX      1000U
#define SUITE_ASSERTIONS_MAX 32U
#define SUITE_MESSAGES_MAX   64U

/* `arg` is the document's name for messages; empty: "suite.yaml". ERR_INPUT with the line, ERR_LIMIT. */
int suite_op(struct span input, struct span arg, struct buf *reply, struct err *e);
