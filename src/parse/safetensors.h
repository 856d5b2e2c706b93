/* safetensors (huggingface/safetensors, README "Format"): a JSON header with its length in front, then the tensors'
 * bytes without hole or overlap to the end of the file. Hard rule: duplicate keys, which readers resolve differently,
 * are refused. */
#pragma once

#include "parse/report.h"

/* Checks the whole file. Facts: tensors, parameters, dtypes, metadata. 0, or -1 when reading stopped at a finding. */
int safetensors_check(struct span file, struct report *r);
