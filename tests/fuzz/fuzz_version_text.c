#include "parse/version_rules.h"

#include "fuzz_version.h"

/* Two lists of identifiers between dots: with and without regard to case the order turns around with its sides. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span b = span_of(data, size), a;
    if (!span_take_until(&b, '\n', &a))
        return 0;
    for (int nocase = 0; nocase < 2; nocase++)
        if (fuzz_sign(version_order_prerelease(a, b, nocase)) != -fuzz_sign(version_order_prerelease(b, a, nocase)))
            abort();
    if (fuzz_sign(version_order_numbers(a, b)) != -fuzz_sign(version_order_numbers(b, a)))
        abort();
    return 0;
}
