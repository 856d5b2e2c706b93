/* The first byte picks the kind of package. Whatever comes out of the operation is JSON. */
#include "fuzz.h"

#include "parse/package.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const args[] = {
        "{\"filename\":\"demo-1.0-py3-none-any.whl\"}",
        "{\"filename\":\"demo-1.0.tar.gz\"}",
        "{\"filename\":\"demo-1.0.0.tgz\"}",
        "{\"filename\":\"demo_1.0_all.deb\"}",
        "{\"filename\":\"a.pdf\",\"ecosystem\":\"file\"}",
    };
    auto_buf reply = BUF(64U << 20);
    struct err e = {0};
    if (size == 0)
        return 0;
    const char *arg = args[data[0] % ARRAY_LEN(args)];
    if (package_op(span_of(data + 1, size - 1), span_str(arg), &reply, &e) < 0)
        return 0;
    auto_json root = json_parse(buf_span(&reply), 64U << 20, "reply", &e);
    if (!root || !json_is_object(json_object_get(root, "package")))
        abort();
    return 0;
}
