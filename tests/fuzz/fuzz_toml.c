#include "parse/toml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = {0};
    toml_free(toml_parse(span_of(data, size), "file.toml", &e));
    return 0;
}
