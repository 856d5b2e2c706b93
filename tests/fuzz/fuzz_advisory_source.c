#include "parse/advisory_source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Read to its end, as the asker does it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct advisory_source_reply reply = {0};
    uint64_t from = 0;
    for (unsigned i = 0; i < 64 && !reply.done; i++) {
        auto_buf bytes = BUF(64U << 20), arg = BUF(256);
        struct err e = {0};
        struct advisory_row row;
        buf_printf(&arg, "{\"name\":\"seed\",\"from\":%llu,\"count\":%llu}", (unsigned long long)from,
                   (unsigned long long)reply.count);
        if (advisory_source_op(span_of(data, size), buf_span(&arg), &bytes, &e) < 0)
            return 0;
        if (!advisory_source_reply_read(buf_span(&bytes), &reply))
            __builtin_trap();
        while (reply.rows.len > 0)
            if (!advisory_row_take(&reply.rows, &row))
                __builtin_trap(); /* what we write we read */
        from = reply.next;
    }
    return 0;
}
