/* The first byte chooses what is asked, and the name. */
#include "fuzz.h"

#include "parse/inventory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const args[] = {"{\"path\":\"a.tar\",\"top\":true}", "{\"path\":\"layer.tar\",\"layer\":true}",
                                       "{\"path\":\"a.tgz\",\"top\":true}", "{\"path\":\"a\",\"offset\":1,\"size\":3}"};
    auto_buf reply = BUF(64U << 20);
    struct err e = {0};
    if (size == 0)
        return 0;
    if (inventory_op(span_of(data + 1, size - 1), span_str(args[data[0] % 4]), &reply, &e) < 0)
        return 0;
    auto_json root = json_parse(buf_span(&reply), 64U << 20, "reply", &e);
    if (!root)
        abort();
    return 0;
}
