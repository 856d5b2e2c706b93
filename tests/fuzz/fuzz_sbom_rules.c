#include "parse/sbom_rules.h"

#include <string.h>

#include "fuzz_sbom.h"

/* Any text as a package URL, a licence expression, a hash. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_problems problems = {.max = PROBLEMS_MAX};
    struct place at = {0};
    auto_buf text = BUF(1U << 20);
    buf_add(&text, data, size);
    if (!buf_ok(&text) || memchr(data, 0, size))
        return 0;
    sbom_rule_purl(&problems, &at, buf_str(&text));
    sbom_rule_licence(&problems, &at, buf_str(&text));
    if (sbom_is_hex(buf_str(&text), true) && !sbom_is_hex(buf_str(&text), false))
        abort();
    if (sbom_hash_digits(buf_str(&text)) > 128)
        abort();
    fuzz_problems(&problems);
    return 0;
}
