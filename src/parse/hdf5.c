#include "parse/hdf5.h"

bool hdf5_is_placeholder(struct span file)
{
    struct span rest = file;
    if (!span_take_prefix(&rest, SPAN_LIT("\x89HDF\r\n\x1a\n")) || rest.len > 4096)
        return false;
    for (size_t i = 0; i < rest.len; i++)
        if (rest.ptr[i] != 0)
            return false;
    return true;
}
