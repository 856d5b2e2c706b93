/* The part of Jinja that a chat template may use: values, conditions, loops, macros, and the names, members, methods,
 * filters and tests in the tables of jinja_rules.c. Everything else is a finding. Hard rule: what is not in a table is
 * not allowed; a list of dangerous names only makes a finding weigh more. */
#pragma once

#include "parse/jinja_parse.h"
#include "parse/report.h"

/* `at`: where the template stands; findings add line and column. `certain`: somebody renders this text. Where it is
 * not, only what reaches for Python weighs; the rest is a remark. */
void jinja_rules_check(const struct jinja *j, const char *at, bool certain, struct report *r);
