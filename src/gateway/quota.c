#include "gateway/quota.h"

#include <pthread.h>
#include <stdlib.h>

/* Tokens that ask at the same time; more than that share slots, and the one that has been away longest is forgotten:
 * its bucket is full again by then, or nearly. */
#define SLOTS 4096U
#define WAYS  8U

struct bucket {
    struct digest token;
    int64_t full_us; /* when it will be full again; 0: empty slot */
};

struct quota {
    uint64_t per_minute;
    pthread_mutex_t lock;
    struct bucket slots[SLOTS];
};

struct quota *quota_new(uint64_t per_minute)
{
    struct quota *q = calloc(1, sizeof(*q));
    if (!q)
        abort();
    q->per_minute = per_minute;
    pthread_mutex_init(&q->lock, NULL);
    return q;
}

void quota_free(struct quota *q)
{
    if (!q)
        return;
    pthread_mutex_destroy(&q->lock);
    free(q);
}

static struct bucket *find(struct quota *q, const struct digest *token)
{
    size_t first = (size_t)(token->bytes[0] << 8 | token->bytes[1]) % (SLOTS / WAYS) * WAYS;
    struct bucket *oldest = &q->slots[first];
    for (size_t i = first; i < first + WAYS; i++) {
        struct bucket *b = &q->slots[i];
        if (b->full_us && digest_equal(&b->token, token))
            return b;
        if (b->full_us < oldest->full_us)
            oldest = b;
    }
    *oldest = (struct bucket){.token = *token};
    return oldest;
}

/* A request costs 60,000 / per_minute ms of filling; the bucket holds a minute's worth. */
bool quota_take(struct quota *q, const struct digest *token, int64_t now_ms, unsigned *retry_after_s)
{
    if (!q->per_minute)
        return true;
    int64_t cost_us = (int64_t)(60000000 / q->per_minute), now_us = now_ms * 1000;
    pthread_mutex_lock(&q->lock);
    struct bucket *b = find(q, token);
    int64_t full_us = b->full_us > now_us ? b->full_us : now_us;
    bool granted = full_us + cost_us <= now_us + 60000000;
    if (granted)
        b->full_us = full_us + cost_us;
    pthread_mutex_unlock(&q->lock);
    if (!granted) {
        int64_t wait_us = full_us + cost_us - now_us - 60000000;
        *retry_after_s = (unsigned)((wait_us + 999999) / 1000000);
        if (*retry_after_s == 0)
            *retry_after_s = 1;
    }
    return granted;
}
