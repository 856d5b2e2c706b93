/* What the targets of SBOM checks share: an input that is JSON. */
#pragma once

#include <stdlib.h>

#include "parse/problems.h"
#include "parse/sbom_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline json_t *fuzz_document(const uint8_t *data, size_t size)
{
    struct err e = {0};
    size_t offset;
    return sbom_parse(span_of(data, size), &offset, &e);
}

/* Problems are counted, kept up to their maximum, and can be written; "at" is a JSON pointer. */
static inline void fuzz_problems(const struct problems *p)
{
    auto_buf out = BUF(1U << 20);
    struct json_out w;
    if (p->kept > p->max || p->kept > p->count || (p->count > 0 && p->kept == 0))
        abort();
    for (size_t i = 0; i < p->kept; i++)
        if (p->list[i].at[0] && p->list[i].at[0] != '/')
            abort();
    json_out_init(&w, &out);
    json_out_object(&w);
    problems_write(&w, "problem", p);
    json_out_object_end(&w);
    if (!buf_ok(&out))
        abort();
}
