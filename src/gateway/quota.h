/* A quota of requests per token: `per_minute` in a burst, and as many a minute after that (a bucket that fills evenly).
 * Safe from any thread. */
#pragma once

#include "util/digest.h"

struct quota;

struct quota *quota_new(uint64_t per_minute /* 0: no quota */);
void quota_free(struct quota *q);

/* True when the request may go on; otherwise *retry_after_s is when the next one may. */
bool quota_take(struct quota *q, const struct digest *token, int64_t now_ms, unsigned *retry_after_s);
