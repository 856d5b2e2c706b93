#include "parse/suite.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_buf reply = BUF(1U << 20);
    struct err e = {0};
    (void)suite_op(span_of(data, size), span_str(""), &reply, &e);
    return 0;
}
