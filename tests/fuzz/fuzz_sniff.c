/* The first line is the file's name, the rest its content. */
#include <stdlib.h>
#include <string.h>

#include "parse/sniff.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = span_of(data, size), line;
    char name[128] = "";
    enum content promised;
    bool kept;
    if (!span_take_until(&rest, '\n', &line) || line.len >= sizeof(name))
        return 0;
    memcpy(name, line.ptr, line.len);
    enum content found = sniff(rest, name);
    if (found >= CONTENT_KINDS || !content_name(found) || (rest.len == 0) != (found == CONTENT_EMPTY))
        abort();
    if (sniff_promise(name, found, &kept, &promised) && kept && promised == CONTENT_GGUF && found != CONTENT_GGUF)
        abort();
    return 0;
}
