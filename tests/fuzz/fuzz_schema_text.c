#include "parse/schema_text.h"

#include <stdlib.h>

#include "util/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every format and every pattern looks at every text; a URI is an IRI reference. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct patterns patterns = {0};
    struct span bytes = span_of(data, size);
    auto_buf text = BUF(1U << 20);
    buf_add(&text, data, size);
    for (uint32_t i = 0; i < SCHEMA_PATTERN_COUNT; i++)
        (void)pattern_matches(&patterns, i, span_str(buf_str(&text)));
    patterns_fini(&patterns);
    for (int format = SCHEMA_FORMAT_DATE_TIME; format <= SCHEMA_FORMAT_URI; format++)
        (void)format_holds((enum schema_format)format, bytes);
    if (format_holds(SCHEMA_FORMAT_URI, bytes) && !format_holds(SCHEMA_FORMAT_IRI_REFERENCE, bytes))
        abort();
    return 0;
}
