/* The parse operations that trust needs, run in this very process: unit tests and sanitizers cannot live under the
 * filters. */
#pragma once

#include "parse/dsse.h"
#include "parse/json_norm.h"
#include "parse/tuf.h"
#include "sandbox/child.h"

static const struct child_op TEST_OPS[] = {{"dsse", dsse_op}, {"json", json_norm_op}, {"tuf", tuf_op}};

static inline struct child *parser_start(void)
{
    struct err e = {0};
    child_use_inline(TEST_OPS, ARRAY_LEN(TEST_OPS));
    struct child *c = child_start(ROLE_PARSE, &e);
    if (!c)
        fail_msg("%s", e.msg);
    return c;
}

static inline void auto_child_stop(struct child **c)
{
    child_stop(*c);
}
#define auto_child AUTO(auto_child_stop) struct child *
