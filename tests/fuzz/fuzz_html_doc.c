#include "fuzz.h"

#include "parse/html_doc.h"

FUZZ_READER((html_doc_is(input, "x"), html_doc_check(input, size & 1, &r), html_markdown_check(input, false, &r)))
