/* What the gateway counts, in OpenMetrics text. Safe from any thread. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "util/buf.h"

#define METRICS_BUCKETS 14

struct histogram {
    _Atomic uint64_t count[METRICS_BUCKETS + 1]; /* the last: above all bounds */
    _Atomic uint64_t sum_us;
};

struct metrics {
    _Atomic uint64_t requests[6]; /* by first digit of the status */
    _Atomic uint64_t tokens_in, tokens_out, active, aborted, engine_lost, over_quota;
    struct histogram first_token, total, overhead;
};

void histogram_add(struct histogram *h, int64_t ns);
void metrics_write(const struct metrics *m, struct buf *out); /* without the closing # EOF */
