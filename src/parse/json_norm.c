#include "parse/json_norm.h"

#include "util/json.h"
#include "util/limits.h"

static int append(const char *bytes, size_t len, void *out)
{
    buf_add(out, bytes, len);
    return buf_ok(out) ? 0 : -1;
}

int json_norm_op(struct span input, struct span arg, struct buf *reply, struct err *e)
{
    uint64_t max = LIMIT_JSON_BYTES;
    if (arg.len && (!span_decimal(arg, &max) || max > LIMIT_MESSAGE_BYTES / 2))
        return err_set(e, ERR_USAGE, 0, "json: the argument is no size up to %u", LIMIT_MESSAGE_BYTES / 2);
    auto_json document = json_parse(input, (size_t)max, "JSON document", e);
    if (!document)
        return -1;
    if (json_dump_callback(document, append, reply, JSON_COMPACT) < 0)
        reply->failed = true;
    return buf_check(reply, "JSON document", e);
}
