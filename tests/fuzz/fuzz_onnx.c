#include "fuzz.h"

#include "parse/onnx.h"

FUZZ_READER(onnx_check(input, &r))
