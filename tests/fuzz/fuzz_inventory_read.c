/* The first line is the path of the rest. */
#include "fuzz_inventory.h"

static void read_one(struct span s, struct inventory *v)
{
    struct span line;
    auto_buf path = BUF(4096);
    if (!inventory_line(&s, &line))
        return;
    buf_add_span(&path, line);
    if (buf_ok(&path))
        inventory_read(v, buf_str(&path), s, 0);
}

FUZZ_RECORD("", (read_one(input, &v), 0))
