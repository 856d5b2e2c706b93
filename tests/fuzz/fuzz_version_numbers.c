#include "fuzz_version.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_version(VERSION_CRAN, data, size);
    fuzz_version(VERSION_HACKAGE, data, size);
    return fuzz_version(VERSION_NUGET, data, size);
}
