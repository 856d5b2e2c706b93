#include <stdlib.h>

#include "parse/vers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first line is a range, the rest a version. A range is written in a form that is read again as canonical, and
 * holds the same versions. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = {0};
    struct span version = span_of(data, size), text;
    auto_vers first = {0};
    auto_vers second = {0};
    auto_buf written = BUF(4U * VERS_LENGTH_MAX);
    bool in = false, again = false;
    if (!span_take_until(&version, '\n', &text) || vers_parse(text, &first, &e) < 0)
        return 0;
    vers_write(&first, &written);
    if (written.len > VERS_LENGTH_MAX)
        return 0;
    if (vers_parse(buf_span(&written), &second, &e) < 0)
        abort();
    bool decided = vers_contains(&first, version, &in);
    if (decided != vers_contains(&second, version, &again) || (decided && in != again))
        abort();
    return 0;
}
