#include "fuzz.h"

#include "parse/onnx_internal.h"

/* One tensor by itself. */
static void check(struct span input, struct report *r)
{
    struct onnx m = {.r = r};
    struct pb_walk w = {.r = r, .rule = "onnx-broken", .arg = &m};
    pb_walk(&w, input, &ONNX_TENSOR);
    onnx_write_external(&m, &r->facts);
    onnx_external_fini(&m);
}

FUZZ_READER(check(input, &r))
