#include <stdlib.h>
#include <string.h>

#include "parse/pep440.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A normal form is its own normal form, and has the key of what it was made of. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char normal[PEP440_SIZE], again[PEP440_SIZE], key[PEP440_SIZE], other[PEP440_SIZE];
    if (!pep440_normal(span_of(data, size), normal))
        return 0;
    if (!pep440_normal(span_str(normal), again) || strcmp(normal, again) != 0)
        abort();
    if (!pep440_key(span_of(data, size), key) || !pep440_key(span_str(normal), other) || strcmp(key, other) != 0)
        abort();
    return 0;
}
