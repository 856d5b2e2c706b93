#include "fuzz.h"

#include "parse/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct template_rules rules;
    struct err e = {0};
    struct report r;
    auto_json root = json_parse(span_of(data, size), 1U << 20, "input", &e);
    if (!root)
        return 0;
    report_init(&r, "");
    json_put_array(&r.facts, "templates");
    struct config c = {.root = root, .base = "config.json", .templates = &rules, .r = &r};
    static const char *const names[] = {"modules.json", "router_config.json", "model_index.json", "vocab.json",
                                        "special_tokens_map.json"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        c.base = names[i];
        config_file_check(&c);
    }
    json_out_array_end(&r.facts);
    fuzz_end(&r);
    return 0;
}
