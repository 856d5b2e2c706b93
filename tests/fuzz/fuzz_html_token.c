#include <stdlib.h>

#include "parse/html_token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Each token takes something, or gives the content of a raw element once; all of them lie in the input. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct html_reader h = {.rest = {data, size}, .flat = size % 3 == 0};
    struct html_token t;
    size_t before = size + 1;
    while (html_next(&h, &t)) {
        struct span rest = t.content, name, value;
        char url[32];
        if (t.kind != HTML_RAW && h.rest.len >= before)
            abort();
        before = h.rest.len;
        while (html_attribute(&rest, &name, &value))
            if (name.len == 0 || html_url(value, url, sizeof url) >= sizeof url)
                abort();
    }
    return h.rest.len == 0 ? 0 : (abort(), 0);
}
