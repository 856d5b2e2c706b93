/* The first byte chooses the file's name, by which rules are chosen. */
#include "fuzz.h"

#include "parse/json_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"config.json", "modules.json", "tokenizer.json", "x.jsonl"};
    static const struct template_rules rules;
    struct report r;
    if (size == 0)
        return 0;
    const char *name = names[data[0] % ARRAY_LEN(names)];
    report_init(&r, "");
    if (name == names[3])
        json_lines_check(span_of(data + 1, size - 1), name, &rules, &r);
    else
        json_file_check(span_of(data + 1, size - 1), name, &rules, &r);
    fuzz_end(&r);
    return 0;
}
