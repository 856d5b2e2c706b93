/* The first line is the file's name, the rest its content. */
#include "fuzz.h"

#include <string.h>

#include "parse/inspect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = span_of(data, size), line;
    struct report r;
    char name[128] = "";
    if (!span_take_until(&rest, '\n', &line) || line.len >= sizeof(name))
        return 0;
    memcpy(name, line.ptr, line.len);
    struct inspect_options o = {.name = name, .executable = line.len & 1};
    report_init(&r, "");
    inspect_bytes(rest, &o, &r);
    fuzz_end(&r);
    return 0;
}
