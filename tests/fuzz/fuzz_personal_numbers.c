#include <stdlib.h>

#include "parse/personal_numbers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Line by line. Nothing is a number of two kinds that are told apart by their length. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = {data, size}, line;
    while (span_take_until(&rest, '\n', &line)) {
        const char *words = "";
        bool iban = personal_is_iban(line), card = personal_is_card(line);
        personal_national(line, (uint32_t)size, &words);
        if (iban && card)
            abort();
        personal_is_mrz(span_of(line.ptr, line.len + rest.len + 1));
    }
    return 0;
}
