#include "fuzz.h"
#include "parse/numpy_dtype.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct numpy_dtype type;
    if (numpy_dtype_parse(span_of(data, size), &type) && type.size > LIMIT_NUMPY_ITEM_BYTES)
        abort();
    return 0;
}
