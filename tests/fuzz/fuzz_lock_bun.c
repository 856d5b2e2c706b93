#include "parse/lock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_buf reply = BUF(4U << 20);
    struct err e = {0};
    (void)lock_op(span_of(data, size), SPAN_LIT("{\"kind\":\"bun\",\"listing\":true}"), &reply, &e);
    return 0;
}
