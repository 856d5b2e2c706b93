#include <stdlib.h>
#include <string.h>

#include "parse/apt_uris.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever is taken is a file in no other folder. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_buf reply = BUF(1U << 22);
    struct err e = {0};
    if (apt_uris_op(span_of(data, size), span_str(""), &reply, &e) < 0)
        return 0;
    auto_json document = json_parse(buf_span(&reply), 1U << 22, "reply", &e);
    size_t i;
    json_t *row;
    if (!document)
        abort();
    json_array_foreach(json_object_get(document, "files"), i, row)
    {
        const char *file = json_string_value(json_object_get(row, "file"));
        const char *filename = json_string_value(json_object_get(row, "filename"));
        if (!file || !filename || strchr(file, '/') || strchr(filename, '/') || file[0] == '.' || filename[0] == '.')
            abort();
    }
    return 0;
}
