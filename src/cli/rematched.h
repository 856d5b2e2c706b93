/* What came out when releases were held against the advisories in force: printed, or put into a JSON document. */
#pragma once

#include "scan/rematch.h"

/* Matches all releases. `w` NULL: a line each on stdout; else the rows of an array that the caller has begun. */
int rematch_and_tell(struct site *s, const struct advisories_in_force *f, struct json_out *w, struct err *e);
