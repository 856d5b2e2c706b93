/* From verified payload bytes to a statement; shared by statement.c and people.c. */
#pragma once

#include "trust/statement.h"

/* As statement_verify, for bytes of which the signature was looked at. */
int statement_read(struct span payload, const struct digest *subject, const char *predicate_type, struct statement *out,
                   struct err *e);
