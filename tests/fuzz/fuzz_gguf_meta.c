/* The input is the metadata alone: a header is put in front, so that what it says is reached more often. The first byte
 * is the number of pairs. */
#include "fuzz.h"

#include "parse/gguf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct template_rules rules = {0};
    static const uint8_t begin[] = {'G', 'G', 'U', 'F', 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    auto_buf file = BUF(64U << 20);
    struct report r;
    if (size == 0)
        return 0;
    buf_add(&file, begin, sizeof(begin));
    buf_add_byte(&file, data[0]);
    for (int i = 0; i < 7; i++)
        buf_add_byte(&file, 0);
    buf_add(&file, data + 1, size - 1);
    report_init(&r, "");
    gguf_check(buf_span(&file), "m-00001-of-00002.gguf", &rules, &r);
    fuzz_end(&r);
    return 0;
}
