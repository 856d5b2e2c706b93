/* Is a licence allowed? An expression of the SPDX licence list is held against two lists of a policy. OR asks for one
 * branch that is allowed, AND for all, "or later" for one version that may be chosen; an exception adds to what its
 * licence permits, so that the list needs the licence only. Hard rule: what cannot be read is not allowed. */
#pragma once

#include "util/span.h"

enum licence_answer {
    LICENCE_ALLOWED,
    LICENCE_NOT_ALLOWED, /* there is a list of what is allowed, and it is not on it */
    LICENCE_DENIED,
};

/* `allow`, `deny`: items with commas between them: "MIT", "Apache-2.0", "LGPL-2.1+" (that version and later ones, in
 * any form), "GPL-3.0-only WITH GCC-exception-3.1" (allowed even where deny has the licence), LicenseRef-NAME. An empty
 * `allow`: everything that is not denied. */
enum licence_answer licence_judge(struct span expression, struct span allow, struct span deny);

/* Can this stand in such a list? */
bool licence_item_is_right(struct span item);

/* Do the licences of `expression` (its branches, whatever stands between them) include this one, in any form (-only,
 * -or-later)? */
bool licence_includes(struct span expression, struct span id);
