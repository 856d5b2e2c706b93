#include <stdlib.h>
#include <string.h>

#include "parse/purl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read is written in a form that is read again, and is its own written form. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = {0};
    auto_purl first = {0};
    auto_purl second = {0};
    auto_buf text = BUF(64U << 10);
    auto_buf again = BUF(64U << 10);
    if (purl_parse(span_of(data, size), &first, &e) < 0)
        return 0;
    purl_write(&first, &text);
    if (text.len > PURL_LENGTH_MAX)
        return 0;
    if (!buf_ok(&text) || purl_parse(buf_span(&text), &second, &e) < 0)
        abort();
    purl_write(&second, &again);
    if (!span_equal(buf_span(&text), buf_span(&again)))
        abort();
    return 0;
}
