#include "parse/json_norm.h"

#include <stdlib.h>

#include "util/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The normal form of a normal form is itself. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_buf once = BUF(LIMIT_MESSAGE_BYTES), twice = BUF(LIMIT_MESSAGE_BYTES);
    struct err e = {0};
    if (json_norm_op(span_of(data, size), span_str(""), &once, &e) < 0)
        return 0;
    if (json_norm_op(buf_span(&once), SPAN_LIT("8388608"), &twice, &e) < 0 ||
        !span_equal(buf_span(&once), buf_span(&twice)))
        abort();
    return 0;
}
