/* Licences as SPDX expressions (SPDX 2.3, annex D): identifiers, an optional "+", AND, OR, WITH and parentheses. Which
 * identifiers exist is a list that grows every month, so it is not asked: "Apache 2.0" is refused because it is no
 * expression, and a licence of one's own is LicenseRef-NAME. */
#pragma once

#include "util/err.h"

/* Is `text` such an expression, by its characters and its grammar? ERR_INPUT. */
int licence_check(const char *text, struct err *e);
