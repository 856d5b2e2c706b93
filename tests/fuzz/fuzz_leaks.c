#include "fuzz.h"

#include "parse/leaks.h"

static const char *const NAMES[] = {"notes.md", "data.jsonl", "prompts.yaml", "page.html",
                                    ".netrc",   "x.conf",     "a.csv",        "x"};

static void look(struct span input, struct report *r)
{
    uint8_t first;
    if (!span_take_u8(&input, &first))
        return;
    struct inspect_options o = {.name = NAMES[first & 7], .stands = first & 8, .depth = first >> 4 & 1};
    leaks_check(input, sniff(input, o.name), &o, r);
}

FUZZ_READER(look(input, &r))
