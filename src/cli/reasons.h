/* The rules of a gate, each with its reason, as `judge`, `promote` and `rollback` show them. */
#pragma once

#include "cli/command.h"
#include "gate/verdict.h"

/* "  NO  approvals          wanted …", a line each. */
void reasons_print(const struct verdict *v);
/* "reasons": [{"rule", "ok", "text"}] in the open object. */
void reasons_put(struct json_out *w, const struct verdict *v);
