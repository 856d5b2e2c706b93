/* What the targets of the inventory's readers share: one record, read as if it lay at `where`. */
#pragma once

#include "fuzz.h"

#include "parse/inventory.h"

static inline int fuzz_inventory_end(struct inventory *v, struct report *r)
{
    struct err e = {0};
    (void)inventory_write(v, &r->facts, &e);
    inventory_fini(v);
    fuzz_end(r);
    return 0;
}

#define FUZZ_RECORD(where, call)                                 \
    int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) \
    {                                                            \
        struct span input = span_of(data, size);                 \
        struct report r;                                         \
        struct inventory v;                                      \
        report_init(&r, "");                                     \
        inventory_init(&v, &r);                                  \
        v.path = (where);                                        \
        (void)(call);                                            \
        return fuzz_inventory_end(&v, &r);                       \
    }
