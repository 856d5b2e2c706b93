/* What the definitions of the types ask beyond the rules of all package URLs (package-url/purl-spec, types/). */
#pragma once

#include "parse/purl.h"

/* Checks and normalises the parts of p by the definition of p->type; a type that is not known asks for nothing. 0, or
 * -1 with ERR_INPUT. */
int purl_apply_type(struct purl *p, struct err *e);

/* True of "git": its name is a path, and the namespace the host alone. */
bool purl_name_is_path(const char *type);
