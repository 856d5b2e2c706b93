/* Programs in a model's folder: who would run them. Hard rule: none is clean; the answer only says what to look at. */
#pragma once

#include <stdbool.h>

/* Who runs a file of this name that lies beside weights ("transformers, when …"), or NULL: nobody that we know of. */
const char *loader_code_runner(const char *name);
