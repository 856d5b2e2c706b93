#include <stdlib.h>

#include "parse/markdown.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Same length, same lines, and what is not the same is a space. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_buf out = BUF(size + 1);
    markdown_without_code(span_of(data, size), &out);
    if (out.len != size)
        abort();
    for (size_t i = 0; i < size; i++)
        if (out.ptr[i] != data[i] && (out.ptr[i] != ' ' || data[i] == '\n'))
            abort();
    return 0;
}
