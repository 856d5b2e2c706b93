#include "fuzz.h"

#include "parse/zip.h"

/* Every member, both ways: they agree. */
static void check(struct span input, struct report *r)
{
    auto_zip z = {0};
    auto_buf room = BUF(1U << 20), copy = BUF(1U << 20);
    if (zip_open(input, &z, r) < 0)
        return;
    for (size_t i = 0; i < z.count; i++) {
        struct span bytes;
        buf_clear(&copy);
        if (zip_bytes(&z.members[i], &room, &bytes, r) == 0 && bytes.len <= copy.max &&
            (zip_read(&z.members[i], &copy, r) < 0 || !span_equal(bytes, buf_span(&copy))))
            abort();
    }
}

FUZZ_READER(check(input, &r))
