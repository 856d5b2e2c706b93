/* Any kind, as the parse process that is thrown away would read it. */
#include "fuzz.h"

#include "parse/archive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct report r;
    struct inspect_options o = {.name = "a.bin", .apart = true};
    report_init(&r, "");
    archive_check(span_of(data, size), &o, &r);
    fuzz_end(&r);
    return 0;
}
