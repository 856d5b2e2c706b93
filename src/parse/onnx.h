/* ONNX models (onnx.proto of ONNX 1.19, IR versions 1 to 13): every message of the file, in subgraphs, functions and
 * training information too. Hard rules: an operator that comes from a library of its own is a finding; data outside of
 * the file are named as a fact, and only by a path that stays in the model's folder. */
#pragma once

#include "parse/protobuf.h"

/* Files of external data that one model names. Some exporters write a file for each tensor. */
#define LIMIT_ONNX_EXTERNAL 16384U

/* Checks the whole file. Facts: ir_version, producer, opsets, operators (a count), domains, tensors, parameters,
 * external:
 * [{"path", "bytes"}] (what lies beside the model, and how long it must be at least). 0, or -1 when reading stopped at
 * a finding. */
int onnx_check(struct span file, struct report *r);
