/* The first byte says which form of file this is. */
#include "fuzz.h"

#include "parse/dpkg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct report r;
    struct inventory v;
    struct err e = {0};
    if (size == 0)
        return 0;
    report_init(&r, "");
    inventory_init(&v, &r);
    v.path = "var/lib/dpkg/info/a:b.md5sums";
    if (data[0] % 4 == 3)
        dpkg_sums_read(span_of(data + 1, size - 1), &v);
    else
        dpkg_read(span_of(data + 1, size - 1), (enum dpkg_form)(data[0] % 4), &v);
    inventory_write(&v, &r.facts, &e);
    inventory_fini(&v);
    fuzz_end(&r);
    return 0;
}
