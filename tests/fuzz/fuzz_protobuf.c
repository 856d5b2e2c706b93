#include "fuzz.h"

#include "parse/protobuf.h"

static const struct pb_type NODE;

/* One field of each kind, and a message in itself. */
static const struct pb_field_type FIELDS[] = {
    {1, PB_INT, false, "number", NULL},    {2, PB_INT, true, "numbers", NULL},
    {3, PB_FIXED32, true, "floats", NULL}, {4, PB_FIXED64, true, "doubles", NULL},
    {5, PB_TEXT, false, "text", NULL},     {6, PB_BYTES, true, "bytes", NULL},
    {7, PB_MESSAGE, true, "below", &NODE}, {8, PB_SKIPPED, true, "skipped", NULL},
};
static const struct pb_type NODE = {"Node", FIELDS, ARRAY_LEN(FIELDS), NULL};

static void check(struct span input, struct report *r)
{
    struct pb_walk w = {.r = r, .rule = "protobuf"};
    struct pb_field f;
    if (pb_walk(&w, input, &NODE) == 0 && w.depth != 0)
        abort();
    if (pb_find(input, 5, &f) && !span_equal(f.bytes, pb_find_bytes(input, 5)))
        abort();
}

FUZZ_READER(check(input, &r))
