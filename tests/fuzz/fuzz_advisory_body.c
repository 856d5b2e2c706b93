#include "parse/advisory_body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Lines: ecosystem, version, then one event or version of the list a line; what is made is then evaluated. And the
 * bytes themselves, taken for a body. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = span_of(data, size), ecosystem, version, line;
    struct body_event events[32];
    struct span versions[32];
    size_t event_count = 0, version_count = 0;
    struct body_result result;
    if (!span_take_until(&rest, '\n', &ecosystem) || !span_take_until(&rest, '\n', &version))
        return 0;
    const struct ecosystem *eco = ecosystem_of(ecosystem, NULL);
    if (!eco)
        return 0;
    (void)body_evaluate(eco, rest, version, &result);
    while (span_take_until(&rest, '\n', &line) && event_count < 32 && version_count < 32) {
        uint8_t kind;
        if (!span_take_u8(&line, &kind))
            continue;
        if (kind >= '0' && kind <= '3')
            events[event_count++] = (struct body_event){(enum advisory_event_kind)(kind - '0'), line};
        else
            versions[version_count++] = line;
    }
    auto_body body;
    auto_buf out = BUF(1U << 20);
    body_init(&body, eco);
    (void)body_add_range(&body, events, event_count);
    body_set_versions(&body, versions, version_count);
    body_write(&body, &out);
    if (!body_evaluate(eco, buf_span(&out), version, &result))
        __builtin_trap(); /* what we write we read */
    return 0;
}
