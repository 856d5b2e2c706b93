/* A path up to the first zero, a source up to the second, byte code behind it. */
#include "fuzz.h"

#include "parse/pyc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = span_of(data, size), path, source;
    char out[300];
    const char *why;
    if (!span_take_until(&rest, 0, &path) || !span_take_until(&rest, 0, &source) || path.len > 256)
        return 0;
    auto_free char *copy = span_dup(path);
    if (pyc_source_path(copy, out, sizeof(out)) && strlen(out) >= path.len)
        abort();
    (void)pyc_is_made_of(rest, source, &why);
    return 0;
}
