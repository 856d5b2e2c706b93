#include <stdlib.h>
#include <string.h>

#include "parse/vers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The operation of the parse role: an answer for each line, whatever stands in it. */
static void ask(const uint8_t *data, size_t size)
{
    struct err e = {0};
    auto_buf reply = BUF(size + 1);
    size_t lines = size > 0 && data[size - 1] != '\n';
    for (size_t i = 0; i < size; i++)
        lines += data[i] == '\n';
    if (vers_npm_op(span_of(data, size), SPAN_LIT(""), &reply, &e) < 0 || reply.len != lines)
        abort();
    for (size_t i = 0; i < lines; i++)
        if (!memchr("yn?", reply.ptr[i], 3))
            abort();
}

/* The first line is a range, the rest a version: an alternative more never takes a version away. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span version = span_of(data, size), range;
    auto_buf more = BUF(VERS_LENGTH_MAX);
    bool in = false, still = false;
    ask(data, size);
    if (!span_take_until(&version, '\n', &range) || !vers_npm_contains(range, version, &in) || !in)
        return 0;
    buf_add_span(&more, range);
    buf_add_str(&more, " || <0.0.0");
    if (buf_ok(&more) && (!vers_npm_contains(buf_span(&more), version, &still) || !still))
        abort();
    return 0;
}
