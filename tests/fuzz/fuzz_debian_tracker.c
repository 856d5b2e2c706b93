#include "parse/debian_tracker.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_buf rows = BUF(64U << 20);
    struct advisory_row row;
    struct err e = {0};
    uint64_t at = 0;
    bool done = false;
    (void)debian_tracker_is(span_of(data, size));
    while (!done && buf_ok(&rows) && debian_tracker_read(span_of(data, size), &at, rows.len + 1, &rows, &done, &e) == 0)
        continue;
    struct span rest = buf_span(&rows);
    while (buf_ok(&rows) && rest.len > 0)
        if (!advisory_row_take(&rest, &row))
            __builtin_trap();
    return 0;
}
