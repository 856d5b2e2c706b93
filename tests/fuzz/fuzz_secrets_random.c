#include <stdlib.h>

#include "parse/secrets_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Nothing is both chance and a placeholder; base64 gives three bytes for four characters at most. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span input = span_of(data, size);
    uint8_t room[64];
    size_t end, len = secret_base64(input, 0, room, sizeof room, &end);
    if (secret_is_random(input) && secret_is_placeholder(input))
        abort();
    if (len > sizeof room || end > size || len * 4 > end * 3)
        abort();
    return 0;
}
