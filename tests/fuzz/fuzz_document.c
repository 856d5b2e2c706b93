#include "fuzz.h"

#include "parse/document.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct report r;
    report_init(&r, "");
    document_check(span_of(data, size), &r);
    fuzz_end(&r);
    return 0;
}
