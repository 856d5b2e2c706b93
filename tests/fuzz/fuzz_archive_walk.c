#include "fuzz.h"

#include "parse/archive_walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct report r;
    const char *name;
    size_t members;
    struct span file = span_of(data, size);
    report_init(&r, "");
    archive_walk(file, archive_kind_of(file, &name), &members, &r);
    fuzz_end(&r);
    return 0;
}
