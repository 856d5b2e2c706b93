#include <stdlib.h>

#include "parse/vers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first line is a range, the rest a version: an alternative more never takes a version away. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span version = span_of(data, size), range;
    auto_buf more = BUF(VERS_LENGTH_MAX);
    bool in = false, still = false;
    if (!span_take_until(&version, '\n', &range) || !vers_npm_contains(range, version, &in) || !in)
        return 0;
    buf_add_span(&more, range);
    buf_add_str(&more, " || <0.0.0");
    if (buf_ok(&more) && (!vers_npm_contains(buf_span(&more), version, &still) || !still))
        abort();
    return 0;
}
