#include "parse/kev.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_buf rows = BUF(64U << 20);
    struct err e = {0};
    int64_t released_s;
    auto_json document = json_parse(span_of(data, size), 1U << 20, "catalogue", &e);
    if (document && kev_is(document))
        (void)kev_read(document, &rows, &released_s, &e);
    return 0;
}
