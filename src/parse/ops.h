/* The table of everything that the parse role can be asked; each op is a pure function of one file of this folder. */
#pragma once

#include "sandbox/child.h"

extern const struct child_op PARSE_OPS[];
extern const size_t PARSE_OPS_COUNT;
