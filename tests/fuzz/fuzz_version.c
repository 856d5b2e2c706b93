#include "fuzz_version.h"

/* The first line names the type. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = span_of(data, size), name;
    enum version_type type;
    if (!span_take_until(&rest, '\n', &name) || !version_type_named(name, &type))
        return 0;
    return fuzz_version_pair(type, rest.ptr, rest.len);
}
