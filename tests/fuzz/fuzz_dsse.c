#include "parse/dsse.h"

#include <stdlib.h>

#include "util/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take_block(struct span *s)
{
    uint32_t len;
    struct span block;
    if (!span_take_be32(s, &len) || !span_take(s, len, &block))
        abort();
}

/* What is accepted has the layout that parse/dsse.h promises, to the last byte. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_buf reply = BUF(LIMIT_MESSAGE_BYTES);
    struct err e = {0};
    uint32_t count;
    if (dsse_op(span_of(data, size), span_str(""), &reply, &e) < 0)
        return 0;
    struct span s = buf_span(&reply);
    take_block(&s);
    take_block(&s);
    if (!span_take_be32(&s, &count) || count > LIMIT_SIGNATURES)
        abort();
    for (uint32_t i = 0; i < 2 * count; i++)
        take_block(&s);
    if (s.len)
        abort();
    return 0;
}
