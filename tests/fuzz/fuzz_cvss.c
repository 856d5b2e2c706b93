#include "parse/cvss.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum cvss_version version;
    int tenths;
    if (cvss_score(span_of(data, size), &version, &tenths) && (tenths < 0 || tenths > 100))
        __builtin_trap();
    return 0;
}
