#include <stdlib.h>
#include <string.h>

#include "parse/purl_types.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *line(struct span *rest)
{
    struct span text = *rest;
    if (!span_take_until(rest, '\n', &text))
        rest->len = 0;
    return text.len ? span_dup(text) : NULL;
}

/* Lines: type, namespace, name, version, subpath. What a definition took it takes again, and changes nothing more. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = {0};
    struct span rest = span_of(data, size);
    auto_purl p = {0};
    auto_buf first = BUF(4U << 20);
    auto_buf second = BUF(4U << 20);
    p.type = line(&rest);
    p.namespace = line(&rest);
    p.name = line(&rest);
    p.version = line(&rest);
    p.subpath = line(&rest);
    if (purl_add_qualifier(&p, SPAN_LIT("uuid"), rest, &e) < 0 || purl_normalise(&p, &e) < 0)
        return 0;
    purl_write(&p, &first);
    if (purl_apply_type(&p, &e) < 0)
        abort();
    purl_write(&p, &second);
    if (!span_equal(buf_span(&first), buf_span(&second)))
        abort();
    return 0;
}
