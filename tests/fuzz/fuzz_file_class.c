#include "fuzz.h"

#include "parse/file_class.h"

/* The first byte is the kind of content, the rest a name. What could run or holds files is no mere data, whatever the
 * name. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span input = span_of(data, size);
    uint8_t kind;
    if (!span_take_u8(&input, &kind) || kind >= CONTENT_KINDS)
        return 0;
    auto_free char *name = span_dup(input);
    enum content content = (enum content)kind;
    enum file_class class = file_class(content, name), again;
    if (!file_class_from_name(file_class_name(class), &again) || again != class)
        abort();
    if ((content == CONTENT_ELF || content == CONTENT_PROGRAM) && class != CLASS_PROGRAM)
        abort();
    if (content == CONTENT_ZIP && class != CLASS_ARCHIVE && class != CLASS_PACKAGE && class != CLASS_MODEL)
        abort();
    return 0;
}
