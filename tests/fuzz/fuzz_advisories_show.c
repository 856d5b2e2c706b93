#include "parse/advisories.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_buf shown = BUF(8U << 20), checked = BUF(8U << 20), found = BUF(8U << 20);
    struct err e = {0};
    (void)advisories_show_op(span_of(data, size), span_of(NULL, 0), &shown, &e);
    (void)advisories_show_op(span_of(data, size), SPAN_LIT("check"), &checked, &e);
    (void)advisories_find_op(span_of(data, size), SPAN_LIT("CVE-2026-1"), &found, &e);
    return 0;
}
