#include <string.h>

#include "fuzz.h"

#include "parse/clamd_reply.h"

/* An answer is one of four, with a text exactly where there is one, and the text can be shown. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span input = span_of(data, size);
    struct clamd_reply reply;
    struct clamd_version version;
    struct err e = {0};
    if (clamd_reply_parse(input, &reply, &e) == 0 &&
        ((reply.answer == CLAMD_OK) != (reply.text[0] == '\0') || !span_is_printable(span_str(reply.text))))
        abort();
    if (clamd_version_parse(input, &version, &e) == 0 &&
        (!version.engine[0] || version.date_s < 0 || (!version.database[0] && version.date_s)))
        abort();
    return 0;
}
