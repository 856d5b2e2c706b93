#include <stdlib.h>
#include <string.h>

#include "parse/yaml_tree.h"
#include "util/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(const struct yaml *a, const struct yaml *b)
{
    if (a->kind != b->kind || a->line != b->line || a->count != b->count || a->quoted != b->quoted)
        abort();
    if (a->kind == YAML_SCALAR && strcmp(a->text, b->text) != 0)
        abort();
    for (size_t i = 0; i < a->count; i++) {
        if (a->kind == YAML_MAP && strcmp(a->keys[i], b->keys[i]) != 0)
            abort();
        same(a->items[i], b->items[i]);
    }
}

/* What crosses is what was read. */
static void cross(struct span text)
{
    struct err e = {0};
    auto_buf reply = BUF(LIMIT_MESSAGE_BYTES);
    struct yaml *here = yaml_parse(text, "fuzz", &e);
    int result = yaml_tree_op(text, SPAN_LIT("fuzz"), &reply, &e);
    if ((result == 0) != (here != NULL))
        abort();
    if (here) {
        auto_json j = json_parse(buf_span(&reply), LIMIT_MESSAGE_BYTES, "reply", &e);
        struct yaml *there = j ? yaml_tree_read(j, &e) : NULL;
        if (!there)
            abort();
        same(here, there);
        yaml_free(there);
    }
    yaml_free(here);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = {0};
    cross(span_of(data, size));
    auto_json forged = json_parse(span_of(data, size), LIMIT_JSON_BYTES, "fuzz", &e);
    if (forged)
        yaml_free(yaml_tree_read(forged, &e)); /* as a parse process that was taken over would reply */
    return 0;
}
