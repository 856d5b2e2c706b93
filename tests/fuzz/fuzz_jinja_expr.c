#include "fuzz.h"

#include "parse/jinja_parse.h"

/* The input is one expression: it stands in a tag. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_buf text = BUF(1U << 21);
    auto_jinja j = {0};
    buf_add_str(&text, "{{ ");
    buf_add(&text, data, size);
    buf_add_str(&text, " }}");
    jinja_parse(&j, buf_span(&text));
    if (j.strings_len > text.len)
        abort();
    return 0;
}
