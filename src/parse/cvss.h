/* CVSS vectors and the scores that follow from them: version 2.0 (FIRST, "A Complete Guide to CVSS 2.0", section 3.2),
 * 3.0 and 3.1 (specification documents, sections 7 and 8), 4.0 (specification document, section 8, with its table of
 * macro vectors). Advisories often bring the vector alone. Pure. Hard rule: a vector with an unknown, missing or
 * doubled metric has no score; none is guessed. */
#pragma once

#include <stdbool.h>

#include "util/span.h"

enum cvss_version { CVSS_2, CVSS_3, CVSS_4 };

/* *tenths is the score times ten, 0 to 100. Of 2.0 and 3.x the base score; of 4.0 that of all metrics that stand in the
 * vector. "(AV:N/…)" and "AV:N/…" are version 2. */
bool cvss_score(struct span vector, enum cvss_version *version, int *tenths);
