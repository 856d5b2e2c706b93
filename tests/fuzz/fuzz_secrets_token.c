#include <stdlib.h>

#include "parse/secrets_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* At every place of the input; what is found lies inside of it, and ends behind where it began. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct secret s = {0};
    for (size_t at = 0; at < size; at++)
        if (secret_token_at(span_of(data, size), at, &s) && (s.end <= at || s.end > size || s.len > size))
            abort();
    return 0;
}
