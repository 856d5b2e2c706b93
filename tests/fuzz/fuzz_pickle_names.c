#include "fuzz.h"
#include "parse/pickle_names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span name = span_of(data, size), module;
    size_t count;
    if (!span_take_until(&name, '\n', &module))
        return 0;
    uint32_t number = pickle_name_find(module, name);
    const struct pickle_name *names = pickle_names(&count);
    if (number != PICKLE_NAME_BLOCKED &&
        (!span_equal_str(module, names[number].module) || !span_equal_str(name, names[number].name)))
        abort();
    (void)pickle_name_danger(module, name);
    return 0;
}
