#include <stdlib.h>
#include <string.h>

#include "parse/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every node is one of the three kinds, with its text, and no key stands twice. */
static void check(const struct yaml *y)
{
    static const char *const keys[] = {"name", "version", "port", NULL};
    struct err e = {0};
    uint64_t number;
    if ((y->kind == YAML_SCALAR) != (y->text != NULL) && y->count == 0 && y->kind != YAML_MAP)
        abort();
    if (y->kind == YAML_SCALAR) {
        (void)yaml_size(y->text, &number);
        (void)yaml_duration(y->text, &number);
    }
    if (y->kind == YAML_MAP)
        (void)yaml_only_keys(y, keys, "fuzz", &e);
    for (size_t i = 0; i < y->count; i++) {
        if (y->kind == YAML_MAP && yaml_get(y, y->keys[i]) != y->items[i])
            abort();
        check(y->items[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = {0};
    struct yaml *y = yaml_parse(span_of(data, size), "fuzz", &e);
    if (!y && e.code == ERR_NONE)
        abort();
    if (y)
        check(y);
    yaml_free(y);
    return 0;
}
