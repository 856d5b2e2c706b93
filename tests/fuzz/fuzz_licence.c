#include <stdlib.h>

#include "parse/licence.h"
#include "parse/spdx_licence.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void is_expression(const struct buf *out, bool made)
{
    if (made ? !buf_ok(out) || !spdx_licence_check(buf_span(out), NULL) : out->len != 0)
        abort();
}

/* What is made of a text is an expression, or nothing. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = span_of(data, size), said, files[2];
    auto_buf plain = BUF(LICENCE_MAX), own = BUF(LICENCE_MAX), card = BUF(LICENCE_MAX), both = BUF(LICENCE_MAX);
    bool differs;
    is_expression(&plain, licence_expression(text, &plain));
    is_expression(&own, licence_expression_own(text, &own));
    is_expression(&card, licence_of_card(text, &card));
    if (!span_take_until(&text, '\n', &said))
        return 0;
    files[0] = text;
    files[1] = buf_span(&own);
    if (spdx_licence_check(said, NULL) && spdx_licence_check(text, NULL))
        is_expression(&both, licence_conclude(said, files, own.len ? 2 : 1, &both, &differs));
    return 0;
}
