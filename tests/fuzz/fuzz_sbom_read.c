#include "parse/sbom_read.h"

#include <stdlib.h>

#include "util/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read is JSON with a list of packages, each with a name. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_buf reply = BUF(8U << 20);
    struct err e = {0};
    const json_t *package;
    size_t i;
    if (sbom_read_op(span_of(data, size), span_str(""), &reply, &e) < 0)
        return 0;
    auto_json root = json_parse(buf_span(&reply), 8U << 20, "reply", &e);
    if (!json_is_array(json_object_get(root, "packages")))
        abort();
    json_array_foreach(json_object_get(root, "packages"), i, package) if (!json_get_string(package, "name", NULL))
        abort();
    return 0;
}
