#include "fuzz.h"

#include "parse/jinja_facts.h"

/* Every question about every node has an answer. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_jinja j = {0};
    if (size > 4096 || !jinja_parse(&j, span_of(data, size)))
        return 0;
    auto_jinja_facts f;
    jinja_facts_init(&f, &j);
    for (uint32_t i = 1; i < j.count; i++) {
        for (int q = 0; q < JINJA_QUESTIONS; q++)
            (void)jinja_is(&f, (enum jinja_question)q, &j.nodes[i]);
        (void)jinja_is_macro_of_list(&f, &j.nodes[i]);
        if (j.nodes[i].kind == JINJA_NODE_ITEM)
            (void)jinja_steps_again(&f, &j.nodes[i]);
    }
    if (f.depth != 0)
        abort();
    return 0;
}
