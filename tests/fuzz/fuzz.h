/* What the targets of the readers share: a report that is closed at the end, and held to what every report promises. */
#pragma once

#include <stdlib.h>

#include "parse/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever stood in the input: the report is JSON that our own reader takes, and a file that something heavy was found
 * in is neither clean nor opaque. */
static inline void fuzz_end(struct report *r)
{
    auto_buf out = BUF(64U << 20);
    struct json_out w;
    struct err e = {0};
    json_out_init(&w, &out);
    json_out_object(&w);
    if (report_write(r, &w, &e) < 0) {
        report_fini(r);
        return; /* more than a reply may hold: the operation fails, and that is no verdict */
    }
    json_out_object_end(&w);
    auto_json root = json_parse(buf_span(&out), 64U << 20, "report", &e);
    if (!root || (r->heavy > 0) != verdict_blocks(r->verdict))
        abort();
    report_fini(r);
}

/* A target that lets one reader of files loose on the input. */
#define FUZZ_READER(call)                                        \
    int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) \
    {                                                            \
        struct span input = span_of(data, size);                 \
        struct report r;                                         \
        report_init(&r, "");                                     \
        (void)(call);                                            \
        fuzz_end(&r);                                            \
        return 0;                                                \
    }
