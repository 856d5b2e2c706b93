#include "fuzz.h"

#include "parse/jinja_parse.h"

/* A tree whose nodes hang together once each, no deeper than is allowed. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_jinja j = {0};
    if (!jinja_parse(&j, span_of(data, size)))
        return 0;
    uint32_t edges = 0;
    for (uint32_t i = 1; i < j.count; i++) {
        const struct jinja_node *n = &j.nodes[i];
        for (const struct jinja_node *c = jinja_child(&j, n, 0); c; c = jinja_next(&j, c), edges++)
            if (c->depth >= n->depth || n->depth > LIMIT_JINJA_DEPTH)
                abort();
    }
    if (edges >= j.count || j.strings_len > size)
        abort();
    return 0;
}
