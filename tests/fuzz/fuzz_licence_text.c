#include <stdlib.h>
#include <string.h>

#include "parse/licence_text.h"
#include "parse/spdx_licence.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is found are licences of the list; more than all of a file belongs to none. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span file = span_of(data, size);
    struct licence_texts found;
    auto_buf out = BUF(4096);
    licence_texts_find(file, &found);
    if (found.covered > 100 || found.count > LICENCE_TEXTS_MAX)
        abort();
    if (licence_text_read(file, &out) ? !spdx_licence_check(buf_span(&out), NULL) : out.len != 0)
        abort();
    return 0;
}
