#include "parse/advisories.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A snapshot that anybody wrote. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct advisories a;
    struct err e = {0};
    struct advisories_package package;
    struct advisories_entry entry;
    uint32_t first, count;
    int64_t day_s;
    if (advisories_open(span_of(data, size), &a, &e) < 0)
        return 0;
    (void)advisories_find_name(&a, SPAN_LIT("CVE-2026-1"), &first, &count);
    (void)advisories_find_kev(&a, SPAN_LIT("CVE-2026-1234"), &day_s);
    (void)advisories_covers(&a, SPAN_LIT("Debian"), SPAN_LIT("12"));
    if (advisories_find_package(&a, SPAN_LIT("PyPI"), SPAN_LIT("demo"), &package) > 0)
        (void)advisories_entry(&a, package.first_entry, &entry);
    return 0;
}
