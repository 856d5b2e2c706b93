#include "parse/lock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first line is the argument, the rest the file. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span input = span_of(data, size), arg;
    auto_buf reply = BUF(4U << 20);
    struct err e = {0};
    if (span_take_until(&input, '\n', &arg))
        (void)lock_op(input, arg, &reply, &e);
    return 0;
}
