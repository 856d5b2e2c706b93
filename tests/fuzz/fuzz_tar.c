/* The first byte says whether the rest is compressed, and whether it is a layer. */
#include "fuzz.h"

#include "parse/tar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct report r;
    if (size == 0)
        return 0;
    struct inspect_options o = {.name = data[0] & 1 ? "a.tar.gz" : "a.tar", .layer = (data[0] & 2) != 0};
    report_init(&r, "");
    tar_check(span_of(data + 1, size - 1), data[0] & 1, &o, &r);
    fuzz_end(&r);
    return 0;
}
