#include <stdlib.h>

#include "parse/licence_judge.h"
#include "parse/spdx_licence.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Expression, allow, deny: a line each. Without lists everything that can be read is allowed; what is denied to all is
 * never allowed by a longer list of what is denied. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = span_of(data, size), expression, allow, none = {0};
    if (!span_take_until(&rest, '\n', &expression) || !span_take_until(&rest, '\n', &allow))
        return 0;
    bool whole = spdx_licence_check(expression, NULL);
    enum licence_answer all = licence_judge(expression, none, none), answer = licence_judge(expression, allow, rest);
    if (all != (whole ? LICENCE_ALLOWED : LICENCE_NOT_ALLOWED) || (!whole && answer != LICENCE_NOT_ALLOWED) ||
        answer > LICENCE_DENIED)
        abort();
    licence_includes(expression, allow);
    licence_item_is_right(allow);
    return 0;
}
