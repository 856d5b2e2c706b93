/* Text: UTF-8 without control characters. And texts inside other formats (metadata of a model), which must hold no
 * code. */
#pragma once

#include "parse/report.h"

/* Is this text that a person can read: UTF-8, no control characters but tab, line feed, carriage return, form feed? */
bool text_is_text(struct span s);

/* What is wrong with a short descriptive text, in words ("a URL", "a shell command"), or NULL. For metadata, where
 * nothing of the kind has a purpose. */
const char *text_hazard(struct span s);

/* A text file that nothing interprets (notes, licences, tables): looks for what hides in it. 0, or -1 after a finding.
 */
int text_check(struct span file, struct report *r);
