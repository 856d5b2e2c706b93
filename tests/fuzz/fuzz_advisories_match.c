#include "parse/advisories_match.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char LINES[] =
    "pkg:pypi/demo@1.1+cu121\npkg:pypi/Demo\npkg:deb/debian/demo-bin@1.0-1?distro=debian-12\tdemo\t0.9-1\n"
    "pkg:npm/%40x/y@1.0.0\npkg:golang/demo@%28devel%29\nno purl\n";

/* The snapshot, and the lines behind its last 0xff byte where it has one. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_buf reply = BUF(8U << 20), other = BUF(8U << 20);
    struct err e = {0};
    size_t at = size;
    (void)advisories_match_op(span_of(data, size), span_str(LINES), &reply, &e);
    while (at > 0 && data[at - 1] != 0xff)
        at--;
    (void)advisories_match_op(span_of(data, size), span_of(data + at, size - at), &other, &e);
    return 0;
}
