#include "fuzz.h"

#include "parse/loader_code.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char name[256] = {0};
    if (size >= sizeof(name))
        return 0;
    if (size)
        memcpy(name, data, size);
    (void)loader_code_runner(name);
    return 0;
}
