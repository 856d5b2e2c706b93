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
    const char *key;
    json_t *v;
    json_object_foreach(root, key, v) config_member_check(&c, key, v);
    json_out_array_end(&r.facts);
    fuzz_end(&r);
    return 0;
}
