/* Is an SBOM valid: the JSON itself (duplicate names, depth), the published schema of its version, and the rules beyond
 * the schema (sbom_rules.h). Hard rule: what cannot be looked at to its end has a problem; "valid" is said only of a
 * document of a version that is known, with nothing wrong. */
#pragma once

#include "parse/report.h"

/* The op "sbom-check". Reply: {"valid", "format", "version", "problem_count", "problems": [{"at", "rule", "message"}],
 * "note_count", "notes": [the same]}. "at" is a JSON pointer; format and version are "" where they are not known. What
 * is wrong with the document is the answer, not an error: -1 only when the reply does not fit (ERR_LIMIT). */
int sbom_check_op(struct span input, struct span arg, struct buf *reply, struct err *e);

/* A scanned file whose name promises an SBOM (.cdx.json, .spdx.json) and whose JSON was read already: one that is none
 * is a finding (sbom-promise, MEDIUM), one that is not valid a remark that names the first problem (sbom-invalid, LOW):
 * what others write is often not, and nothing is loaded from it. Other names are left alone. */
void sbom_file_check(struct span file, const char *name, struct report *r);
