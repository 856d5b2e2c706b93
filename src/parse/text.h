/* Text: UTF-8 without control characters. And texts inside other formats (metadata of a model), which must hold no
 * code. */
#pragma once

#include "parse/report.h"

/* Is this text that a person can read: UTF-8, no control characters but tab, line feed, carriage return, form feed? */
bool text_is_text(struct span s);

/* In a text that is read line by line: the first character that ends a line for one reader and not for another, or that
 * no line has a use for: control characters but tab, line feed, and carriage return before a line feed; U+0080 to
 * U+009F, U+2028, U+2029. (Python's str.splitlines ends lines at ten of them.) *line gets its line, from 1. 0: there is
 * none. */
uint32_t text_first_control(struct span s, size_t *line);

/* What is wrong with a short descriptive text, in words ("a URL", "a shell command"), or NULL. For metadata, where
 * nothing of the kind has a purpose. */
const char *text_hazard(struct span s);

/* The same in a text of any length, which is no hazard by itself: tables of tags, a workflow. A URL is told only where
 * nothing worse stands. */
const char *text_hazard_in(struct span s);

/* A text file that nothing interprets (notes, licences, tables): looks for what hides in it. 0, or -1 after a finding.
 */
int text_check(struct span file, struct report *r);
