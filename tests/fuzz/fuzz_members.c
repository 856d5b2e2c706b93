#include "parse/members.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_buf reply = BUF(4U << 20);
    struct err e = {0};
    (void)members_op(span_of(data, size), span_str("seed"), &reply, &e);
    return 0;
}
