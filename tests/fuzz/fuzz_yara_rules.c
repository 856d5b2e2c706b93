#include <string.h>

#include "fuzz.h"

#include "parse/yara_rules.h"

static struct yara_rules *fixed(void)
{
    static const char text[] = "rule A { meta: severity = \"low\" strings: $a = \"abc\" $b = /x[0-9]{1,4}y/ "
                               "condition: any of them }\n"
                               "import \"elf\" import \"pe\"\n"
                               "rule B { condition: elf.number_of_sections > 3 or pe.number_of_sections > 3 }\n";
    auto_buf bundle = BUF(4096);
    struct err e = {0};
    buf_add_be32(&bundle, 5);
    buf_add_be32(&bundle, sizeof text - 1);
    buf_add_str(&bundle, "a.yar");
    buf_add_str(&bundle, text);
    struct yara_rules *y = yara_rules_compile(buf_span(&bundle), &e);
    if (!y)
        abort();
    return y;
}

/* The input is a bundle of rules that look at it, and a file that fixed rules look at. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct yara_rules *known;
    struct span input = span_of(data, size);
    struct err e = {0};
    struct report r;
    if (!known)
        known = fixed();
    struct yara_rules *own = size < 8192 ? yara_rules_compile(input, &e) : NULL;
    report_init(&r, "");
    yara_rules_check(known, input, &r);
    if (own)
        yara_rules_check(own, input, &r);
    yara_rules_free(own);
    fuzz_end(&r);
    return 0;
}
