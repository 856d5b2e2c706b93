/* The whole door of the parse role: the first byte chooses the operation, the first line is its argument. An operation
 * either answers or says why not. */
#include <stdlib.h>

#include "parse/ops.h"
#include "util/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = span_of(data, size), arg;
    uint8_t which;
    auto_buf reply = BUF(LIMIT_MESSAGE_BYTES);
    struct err e = {0};
    if (!span_take_u8(&rest, &which) || !span_take_until(&rest, '\n', &arg))
        return 0;
    int result = PARSE_OPS[which % PARSE_OPS_COUNT].run(rest, arg, &reply, &e);
    if (result < 0 && (e.code == ERR_NONE || e.msg[0] == '\0'))
        abort();
    return 0;
}
