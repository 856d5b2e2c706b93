/* JSON as a file of a model or release: whole, without duplicate keys, and, because configurations of models are code
 * by other means, without members that make a loader fetch or run something. */
#pragma once

#include "parse/jinja.h"

#define LIMIT_JSON_FILE_BYTES (64U << 20) /* tokenizer.json of a large vocabulary: 35 MB */

/* 0, or -1 when reading stopped at a finding. Facts: templates. */
int json_file_check(struct span file, const char *name, const struct template_rules *templates, struct report *r);

/* One JSON document a line. */
int json_lines_check(struct span file, const char *name, const struct template_rules *templates, struct report *r);
