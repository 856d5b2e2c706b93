#include "parse/spdx_licence.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void count(void *arg, enum licence_word kind, struct span word)
{
    if (word.len == 0 || (kind == LICENCE_ID && !spdx_licence_known(word)))
        abort();
    ++*(size_t *)arg;
}

/* An expression has words, each of them known; what is none says why, and where inside the text. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct licence_flaw flaw = {0};
    size_t words = 0;
    bool fine = spdx_licence_words(span_of(data, size), count, &words, &flaw);
    if (fine ? words == 0 : !flaw.why || (flaw.word.len > 0 && (flaw.word.ptr < data || flaw.word.ptr >= data + size)))
        abort();
    return 0;
}
