/* Is an SBOM valid: the JSON itself (duplicate names, depth), the published schema of its version, and the rules beyond
 * the schema (sbom_rules.h). Hard rule: what cannot be looked at to its end has a problem; "valid" is said only of a
 * document of a version that is known, with nothing wrong. */
#pragma once

#include "util/buf.h"

/* The op "sbom-check". Reply: {"valid", "format", "version", "problem_count", "problems": [{"at", "rule", "message"}],
 * "note_count", "notes": [the same]}. "at" is a JSON pointer; format and version are "" where they are not known. What
 * is wrong with the document is the answer, not an error: -1 only when the reply does not fit (ERR_LIMIT). */
int sbom_check_op(struct span input, struct span arg, struct buf *reply, struct err *e);
