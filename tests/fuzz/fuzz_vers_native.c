#include <stdlib.h>

#include "parse/vers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first line is a scheme, the rest a range. What it was made of can be written, and is read again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = {0};
    struct span range = span_of(data, size), scheme;
    auto_vers native = {0};
    auto_vers again = {0};
    auto_buf written = BUF(4U * VERS_LENGTH_MAX);
    if (!span_take_until(&range, '\n', &scheme) || vers_from_native(scheme, range, &native, &e) < 0 ||
        vers_sort(&native, &e) < 0)
        return 0;
    vers_write(&native, &written);
    bool any = false;
    for (size_t i = 0; i < native.count; i++)
        any |= native.constraints[i].op == VERS_ANY;
    if (native.count == 0 || (any && native.count > 1) || written.len > VERS_LENGTH_MAX)
        return 0; /* nothing, and "*" beside others: no text of vers */
    if (vers_parse(buf_span(&written), &again, &e) < 0)
        abort();
    return 0;
}
