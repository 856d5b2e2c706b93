#include "parse/json_place.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Any offset of any text has a pointer, and it begins with "/" or is empty. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (size_t offset = 0; offset <= size; offset += 1 + size / 16) {
        auto_buf out = BUF(1U << 16);
        json_place(span_of(data, size), offset, &out);
        if (!buf_ok(&out) || (out.len > 0 && out.ptr[0] != '/'))
            abort();
    }
    return 0;
}
