/* The first byte says whether this is a file of status.d. */
#include "fuzz.h"

#include "parse/dpkg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct report r;
    if (size == 0)
        return 0;
    report_init(&r, "");
    json_put_array(&r.facts, "packages");
    dpkg_read(span_of(data + 1, size - 1), data[0] & 1, "status", &r.facts, &r);
    json_out_array_end(&r.facts);
    fuzz_end(&r);
    return 0;
}
