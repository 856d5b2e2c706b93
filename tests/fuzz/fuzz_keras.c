#include "fuzz.h"

#include "parse/keras.h"

/* A description as text, and, when the input is a zip file, a model. */
static void check(struct span input, struct report *r)
{
    struct inspect_options o = {.name = "a.keras"};
    auto_zip z = {0};
    if (!span_starts(input, SPAN_LIT("PK")))
        keras_text_check(input, "", r);
    else if (zip_open(input, &z, r) == 0)
        keras_zip_check(&z, &o, r);
}

FUZZ_READER(check(input, &r))
