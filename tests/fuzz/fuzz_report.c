/* Findings with any text: the first byte is the severity, then come place and message, a line each. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = span_of(data, size), place, message;
    struct report r, inner;
    uint8_t severity;
    report_init(&r, "fuzz");
    while (span_take_u8(&rest, &severity) && span_take_until(&rest, '\n', &place) &&
           span_take_until(&rest, '\n', &message)) {
        char at[64];
        snprintf(at, sizeof(at), "%.*s", (int)(place.len < 60 ? place.len : 60), (const char *)place.ptr);
        report_init_inside(&inner, &r, at);
        if (severity == 0xff)
            report_not_scanned(&inner, "fuzz", at, "%.*s", (int)message.len, (const char *)message.ptr);
        else
            report_finding(&inner, (enum severity)(severity % (SEVERITY_CRITICAL + 1)), "fuzz", at, "%.*s",
                           (int)message.len, (const char *)message.ptr);
        report_merge(&r, &inner);
        report_fini(&inner);
    }
    fuzz_end(&r);
    return 0;
}
