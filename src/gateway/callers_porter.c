#include "gateway/callers_porter.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS          2048U
#define WAYS           8U
#define PREFIXES       512U
#define WRONG_KEPT     2U
#define PREFIX_REST_MS 600000 /* a beginning that was left alone so long counts from nothing again */

struct seen {
    uint8_t key[16];
    char address[PORTER_ADDRESS_SIZE];
    int64_t last_ms; /* 0: empty slot */
    unsigned failures, hasty;
    int64_t forgiven_ms, until_ms;
    bool locked;
    struct digest wrong[WRONG_KEPT];
    unsigned wrong_next;
    int64_t minute;
    unsigned recorded, left_out;
};

struct beginning {
    struct digest of, last;
    unsigned tries;
    int64_t last_ms;
};

struct porter {
    pthread_mutex_t lock;
    _Atomic int64_t busy_until_ms;     /* no address waits later than this */
    int64_t minute, told;              /* told: in this minute it was looked what had been left out before */
    unsigned recorded, left_out, news; /* of all addresses in this minute */
    struct seen seen[SLOTS];
    struct beginning beginnings[PREFIXES];
};

struct porter *porter_new(void)
{
    struct porter *g = calloc(1, sizeof(*g));
    if (!g)
        abort();
    pthread_mutex_init(&g->lock, NULL);
    return g;
}

void porter_free(struct porter *g)
{
    if (!g)
        return;
    pthread_mutex_destroy(&g->lock);
    free(g);
}

/* ── slots ── */

/* Of IPv6 its network, the first 64 bits: a machine has all the addresses in it. */
static void key_of(const char *address, uint8_t key[16])
{
    struct in6_addr six;
    struct in_addr four;
    memset(key, 0, 16);
    if (inet_pton(AF_INET, address, &four) == 1) {
        memset(key + 10, 0xff, 2);
        memcpy(key + 12, &four, 4);
    } else if (inet_pton(AF_INET6, address, &six) == 1) {
        memcpy(key, &six, IN6_IS_ADDR_V4MAPPED(&six) ? 16 : 8);
    }
}

static size_t first_way(const uint8_t key[16])
{
    struct digest d = digest_of(span_of(key, 16));
    return (size_t)(d.bytes[0] << 8 | d.bytes[1]) % (SLOTS / WAYS) * WAYS;
}

static struct seen *look_for(struct porter *g, const uint8_t key[16])
{
    size_t first = first_way(key);
    for (size_t i = first; i < first + WAYS; i++)
        if (g->seen[i].last_ms && memcmp(g->seen[i].key, key, 16) == 0)
            return &g->seen[i];
    return NULL;
}

/* The one to forget: who waits longest stays, then who came last. */
static bool goes_before(const struct seen *a, const struct seen *b, int64_t now_ms)
{
    int64_t wait_a = a->until_ms > now_ms ? a->until_ms : 0, wait_b = b->until_ms > now_ms ? b->until_ms : 0;
    return wait_a != wait_b ? wait_a < wait_b : a->last_ms < b->last_ms;
}

static struct seen *slot_of(struct porter *g, const char *address, int64_t now_ms)
{
    uint8_t key[16];
    key_of(address, key);
    struct seen *s = look_for(g, key);
    if (!s) {
        size_t first = first_way(key);
        s = &g->seen[first];
        for (size_t i = first + 1; i < first + WAYS; i++)
            if (goes_before(&g->seen[i], s, now_ms))
                s = &g->seen[i];
        g->left_out += s->left_out; /* told with the rest */
        *s = (struct seen){.forgiven_ms = now_ms};
        memcpy(s->key, key, 16);
        snprintf(s->address, sizeof(s->address), "%s", address);
    }
    s->last_ms = now_ms > 0 ? now_ms : 1;
    return s;
}

static void turn_minute(struct porter *g, int64_t minute)
{
    if (g->minute == minute)
        return;
    g->minute = minute;
    g->recorded = g->news = 0;
}

static int64_t minute_of(int64_t now_ms)
{
    return now_ms / 60000 + 1; /* 0 is none */
}

/* ── guessing ── */

enum porter_word porter_look(struct porter *g, const char *address, int64_t now_ms, unsigned *wait_s)
{
    uint8_t key[16];
    enum porter_word word = PORTER_OPEN;
    if (atomic_load_explicit(&g->busy_until_ms, memory_order_relaxed) <= now_ms)
        return PORTER_OPEN;
    key_of(address, key);
    pthread_mutex_lock(&g->lock);
    const struct seen *s = look_for(g, key);
    if (s && s->until_ms > now_ms) {
        *wait_s = (unsigned)((s->until_ms - now_ms + 999) / 1000);
        word = s->locked ? PORTER_LOCKED : PORTER_WAIT;
    }
    pthread_mutex_unlock(&g->lock);
    return word;
}

static void forgive(struct seen *s, int64_t now_ms)
{
    if (s->failures == 0) {
        s->forgiven_ms = now_ms;
        return;
    }
    if (now_ms < s->forgiven_ms)
        return; /* locked until then */
    int64_t times = (now_ms - s->forgiven_ms) / (PORTER_FORGIVE_S * 1000);
    s->failures = times >= s->failures ? 0 : s->failures - (unsigned)times;
    s->forgiven_ms += times * (PORTER_FORGIVE_S * 1000);
}

static void hold(struct porter *g, struct seen *s, int64_t now_ms, unsigned seconds, bool lock,
                 struct porter_news *news)
{
    s->until_ms = now_ms + (int64_t)seconds * 1000;
    s->locked = lock;
    s->hasty = 0;
    if (lock) { /* the first wrong token after it waits at once */
        s->failures = PORTER_FREE;
        s->forgiven_ms = s->until_ms;
    }
    if (s->until_ms > atomic_load(&g->busy_until_ms))
        atomic_store(&g->busy_until_ms, s->until_ms);
    news->seconds = seconds;
    news->locked = lock;
}

static bool seen_before(struct seen *s, const struct digest *token)
{
    for (size_t i = 0; i < WRONG_KEPT; i++)
        if (digest_equal(&s->wrong[i], token))
            return true;
    s->wrong[s->wrong_next++ % WRONG_KEPT] = *token;
    return false;
}

/* Is somebody trying tokens that begin like this one? The same token from many machines is no guess. */
static bool is_guessed(struct porter *g, struct span token, const struct digest *whole, int64_t now_ms)
{
    struct digest of = digest_of(span_of(token.ptr, token.len < PORTER_PREFIX_CHARS ? token.len : PORTER_PREFIX_CHARS));
    struct beginning *b = &g->beginnings[(size_t)(of.bytes[0] << 8 | of.bytes[1]) % PREFIXES];
    if (!digest_equal(&b->of, &of) || now_ms - b->last_ms > PREFIX_REST_MS)
        *b = (struct beginning){.of = of};
    b->last_ms = now_ms;
    if (digest_equal(&b->last, whole))
        return false;
    b->last = *whole;
    return ++b->tries > PORTER_PREFIX_TRIES;
}

static void count_news(struct porter *g, int64_t now_ms, struct porter_news *news)
{
    if (!news->waits && !news->locked)
        return;
    turn_minute(g, minute_of(now_ms));
    news->told = g->news++ < PORTER_NEWS;
    g->left_out += !news->told;
}

static void count_failure(struct porter *g, struct seen *s, int64_t now_ms, bool again, bool guessed,
                          struct porter_news *news)
{
    if (!again || s->failures + 1 < PORTER_LOCK_AT)
        s->failures++;
    news->failures = s->failures;
    news->waits = s->failures == PORTER_FREE + 1;
    if (guessed || s->failures >= PORTER_LOCK_AT)
        hold(g, s, now_ms, PORTER_LOCK_S, true, news);
    else if (s->failures > PORTER_FREE)
        hold(g, s, now_ms, 1U << (s->failures - PORTER_FREE - 1), false, news);
    count_news(g, now_ms, news);
}

struct porter_news porter_failed(struct porter *g, const char *address, struct span token, int64_t now_ms)
{
    struct porter_news news = {0};
    struct digest whole = digest_of(token);
    pthread_mutex_lock(&g->lock);
    struct seen *s = slot_of(g, address, now_ms);
    forgive(s, now_ms);
    bool again = seen_before(s, &whole), guessed = is_guessed(g, token, &whole, now_ms);
    if (!s->locked || s->until_ms <= now_ms)
        count_failure(g, s, now_ms, again, guessed, &news);
    pthread_mutex_unlock(&g->lock);
    return news;
}

struct porter_news porter_hasty(struct porter *g, const char *address, int64_t now_ms)
{
    struct porter_news news = {0};
    pthread_mutex_lock(&g->lock);
    struct seen *s = slot_of(g, address, now_ms);
    news.failures = s->failures;
    if (s->until_ms > now_ms && !s->locked && ++s->hasty >= PORTER_HASTE)
        hold(g, s, now_ms, PORTER_LOCK_S, true, &news);
    count_news(g, now_ms, &news);
    pthread_mutex_unlock(&g->lock);
    return news;
}

/* ── records ── */

bool porter_may_record(struct porter *g, const char *address, int64_t now_ms)
{
    bool may;
    int64_t minute = minute_of(now_ms);
    pthread_mutex_lock(&g->lock);
    struct seen *s = slot_of(g, address, now_ms);
    turn_minute(g, minute);
    if (s->minute != minute) {
        g->left_out += s->left_out; /* nobody has fetched it in time */
        s->minute = minute;
        s->recorded = s->left_out = 0;
    }
    may = s->recorded < PORTER_RECORDS && g->recorded < PORTER_RECORDS_ALL;
    if (may) {
        s->recorded++;
        g->recorded++;
    } else if (s->recorded >= PORTER_RECORDS) {
        s->left_out++;
    } else {
        g->left_out++;
    }
    pthread_mutex_unlock(&g->lock);
    return may;
}

/* One at a time, so that `each` runs without the lock. */
static bool take_left_out(struct porter *g, size_t *at, int64_t minute, char address[PORTER_ADDRESS_SIZE],
                          unsigned *count)
{
    bool found = false;
    pthread_mutex_lock(&g->lock);
    for (; *at < SLOTS && !found; (*at)++) {
        struct seen *s = &g->seen[*at];
        if (s->left_out && s->minute < minute) {
            memcpy(address, s->address, PORTER_ADDRESS_SIZE);
            *count = s->left_out;
            s->left_out = 0;
            found = true;
        }
    }
    if (!found && g->left_out && (g->minute < minute)) {
        snprintf(address, PORTER_ADDRESS_SIZE, "*");
        *count = g->left_out;
        g->left_out = 0;
        found = true;
    }
    pthread_mutex_unlock(&g->lock);
    return found;
}

/* All slots are looked at once a minute, and not for every request. */
static bool done_in(struct porter *g, int64_t minute)
{
    pthread_mutex_lock(&g->lock);
    bool done = g->told == minute;
    g->told = minute;
    pthread_mutex_unlock(&g->lock);
    return done;
}

void porter_left_out(struct porter *g, int64_t now_ms, bool all,
                     void (*each)(void *arg, const char *address, unsigned count), void *arg)
{
    char address[PORTER_ADDRESS_SIZE];
    unsigned count;
    size_t at = 0;
    int64_t minute = all ? INT64_MAX : minute_of(now_ms);
    if (!all && done_in(g, minute))
        return;
    while (take_left_out(g, &at, minute, address, &count))
        each(arg, address, count);
}
