#include "gateway/metrics.h"

#include <inttypes.h>

/* From a tenth of a millisecond, which is what the gateway itself costs, to a minute, which is a long answer. */
static const uint64_t BOUNDS_US[METRICS_BUCKETS] = {100,   250,    500,    1000,    2500,    5000,     10000,
                                                    50000, 100000, 500000, 1000000, 5000000, 15000000, 60000000};

void histogram_add(struct histogram *h, int64_t ns)
{
    uint64_t us = ns > 0 ? (uint64_t)ns / 1000 : 0;
    size_t i = 0;
    while (i < METRICS_BUCKETS && us > BOUNDS_US[i])
        i++;
    h->count[i]++;
    h->sum_us += us;
}

static void write_histogram(const struct histogram *h, const char *name, const char *help, struct buf *out)
{
    uint64_t total = 0;
    buf_printf(out, "# TYPE %s histogram\n# UNIT %s seconds\n# HELP %s %s\n", name, name, name, help);
    for (size_t i = 0; i <= METRICS_BUCKETS; i++) {
        total += h->count[i];
        if (i < METRICS_BUCKETS)
            buf_printf(out, "%s_bucket{le=\"%" PRIu64 ".%06" PRIu64 "\"} %" PRIu64 "\n", name, BOUNDS_US[i] / 1000000,
                       BOUNDS_US[i] % 1000000, total);
        else
            buf_printf(out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, total);
    }
    buf_printf(out, "%s_count %" PRIu64 "\n%s_sum %" PRIu64 ".%06" PRIu64 "\n", name, total, name, h->sum_us / 1000000,
               h->sum_us % 1000000);
}

static void write_counter(struct buf *out, const char *name, const char *help, uint64_t value)
{
    buf_printf(out, "# TYPE %s counter\n# HELP %s %s\n%s_total %" PRIu64 "\n", name, name, help, name, value);
}

void metrics_write(const struct metrics *m, struct buf *out)
{
    buf_add_str(out,
                "# TYPE airlock_chat_requests counter\n# HELP airlock_chat_requests Chat requests by first digit of "
                "their status.\n");
    for (unsigned i = 1; i < 6; i++)
        buf_printf(out, "airlock_chat_requests_total{status=\"%uxx\"} %" PRIu64 "\n", i, m->requests[i]);
    buf_printf(out,
               "# TYPE airlock_chat_active gauge\n# HELP airlock_chat_active Chat requests in flight.\n"
               "airlock_chat_active %" PRIu64 "\n",
               m->active);
    write_counter(out, "airlock_tokens_in", "Prompt tokens, as the engines count them.", m->tokens_in);
    write_counter(out, "airlock_tokens_out", "Answered tokens, as the engines count them.", m->tokens_out);
    write_counter(out, "airlock_chat_aborted", "Requests whose client left before the end.", m->aborted);
    write_counter(out, "airlock_chat_engine_lost", "Requests whose engine was lost.", m->engine_lost);
    write_counter(out, "airlock_chat_over_quota", "Requests refused by the quota of their token.", m->over_quota);
    write_histogram(&m->first_token, "airlock_first_token_seconds",
                    "From the whole request to the first token of a streamed answer.", out);
    write_histogram(&m->total, "airlock_chat_seconds", "From the whole request to the end of its answer.", out);
    write_histogram(&m->overhead, "airlock_chat_overhead_seconds",
                    "What the gateway itself added to answers that are not streamed.", out);
}
