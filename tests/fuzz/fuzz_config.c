/* The first byte chooses the file's name, by which rules are chosen; the rest is JSON. */
#include "fuzz.h"

#include "parse/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"config.json", "modules.json",   "router_config.json",     "model_index.json",
                                        "vocab.json",  "tokenizer.json", "special_tokens_map.json"};
    static const struct template_rules rules;
    struct err e = {0};
    struct report r;
    if (size == 0)
        return 0;
    auto_json root = json_parse(span_of(data + 1, size - 1), 1U << 20, "input", &e);
    if (!root)
        return 0;
    report_init(&r, "");
    json_put_array(&r.facts, "templates");
    config_check(root, names[data[0] % ARRAY_LEN(names)], &rules, &r);
    json_out_array_end(&r.facts);
    config_settings_check(root, &r);
    fuzz_end(&r);
    return 0;
}
