#include "parse/tuf.h"

#include <stdlib.h>

#include "util/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Canonical bytes read back and made canonical again are the same bytes: what is verified is what is read. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_buf reply = BUF(LIMIT_MESSAGE_BYTES), again = BUF(LIMIT_MESSAGE_BYTES);
    struct err e = {0};
    uint32_t len;
    struct span canonical;
    if (tuf_op(span_of(data, size), span_str(""), &reply, &e) < 0)
        return 0;
    struct span s = buf_span(&reply);
    if (!span_take_be32(&s, &len) || !span_take(&s, len, &canonical))
        abort();
    auto_json body = tuf_canonical_read(canonical, "fuzz", &e);
    if (!body || tuf_canonical(body, &again, &e) < 0 || !span_equal(canonical, buf_span(&again)))
        abort();
    return 0;
}
