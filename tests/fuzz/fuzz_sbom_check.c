#include "parse/sbom_check.h"

#include "fuzz_sbom.h"

/* Any input has an answer, and only a document of a known version without a problem is valid. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_buf reply = BUF(4U << 20);
    struct err e = {0};
    if (sbom_check_op(span_of(data, size), span_str(""), &reply, &e) < 0)
        abort();
    auto_json root = json_parse(buf_span(&reply), 4U << 20, "reply", &e);
    bool valid = json_is_true(json_object_get(root, "valid"));
    if (!root || valid != (json_array_size(json_object_get(root, "problems")) == 0) ||
        (valid && !json_get_string(root, "format", "")[0]))
        abort();
    return 0;
}
