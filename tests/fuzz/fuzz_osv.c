#include "parse/osv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever comes in, what comes out are whole rows. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_buf rows = BUF(64U << 20);
    struct advisory_row row;
    osv_read(span_of(data, size), SPAN_LIT("seed.json"), &rows);
    struct span rest = buf_span(&rows);
    if (buf_ok(&rows) && (!advisory_row_take(&rest, &row) || rest.len > 0))
        __builtin_trap();
    return 0;
}
