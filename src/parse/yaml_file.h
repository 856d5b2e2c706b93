/* YAML as a file of a model or release: read with the strict reader of yaml.h, and without members that make a loader
 * run something. */
#pragma once

#include "parse/jinja.h"

/* 0, or -1 when reading stopped at a finding. */
int yaml_file_check(struct span file, const struct template_rules *templates, struct report *r);
