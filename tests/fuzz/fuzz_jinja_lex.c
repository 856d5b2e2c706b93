#include "fuzz.h"

#include "parse/jinja_lex.h"

/* Tokens come in order, lie inside of the template, and end. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct jinja_lexer l;
    struct jinja_token t;
    size_t at = 0, line, column;
    jinja_lex_begin(&l, span_of(data, size));
    do {
        t = jinja_lex_next(&l);
        if (l.at > size || l.at < at || t.at > size)
            abort();
        if (t.kind != JINJA_BROKEN && t.kind != JINJA_END && l.at == at)
            abort();
        at = l.at;
    } while (t.kind != JINJA_BROKEN && t.kind != JINJA_END);
    jinja_place(span_of(data, size), t.at, &line, &column);
    return line == 0 || column == 0;
}
