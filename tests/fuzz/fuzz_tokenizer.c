#include "fuzz.h"

#include "parse/tokenizer.h"

/* A tokenizer where it is JSON, a regular expression in any case. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = {0};
    struct report r;
    (void)tokenizer_regex_hazard(span_of(data, size));
    auto_json root = json_parse(span_of(data, size), 1U << 20, "input", &e);
    if (!root)
        return 0;
    report_init(&r, "");
    tokenizer_check(root, &r);
    tokenizer_facts(root, &r);
    fuzz_end(&r);
    return 0;
}
