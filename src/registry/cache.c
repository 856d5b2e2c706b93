/* A hash table with a list from the newest used to the oldest, under one lock; entries are counted, since an answer may
 * still go out when its entry is forgotten.
 *
 * How it knows that something was decided: PRAGMA data_version tells that somebody has committed. Most commits are
 * batches of access records, which is seen by the rows that were added to the ledger since; any other makes all that is
 * kept doubtful. That look is a few rows that were just written, in memory, and writers do not keep readers waiting: it
 * is made on the event loop too, since hundreds of requests would otherwise queue for a worker after each batch. */
#include "registry/cache.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "store/db_ledger.h"
#include "util/clock.h"
#include "util/json.h"

#define BUCKETS      4096U
#define BYTES_MAX    (64U << 20) /* of all entries */
#define ANSWER_MAX   (4U << 20)  /* of one: the largest manifest, and nearly every page */
#define KEY_MAX      2048U
#define LOOK_NS      250000 /* how old the number may be */
#define RECORD_BYTES 16384U

struct entry {
    _Atomic unsigned holders;
    struct entry *next;          /* in its bucket */
    struct entry *newer, *older; /* in the list */
    uint64_t hash;
    struct buf key, record; /* record: from its "environment" on */
    struct http_ready *answer;
    size_t bytes;
};

struct cache {
    struct callers *callers;
    int (*record)(void *arg, struct span record, struct err *e);
    void *arg;

    pthread_mutex_t lock; /* of all that follows */
    struct db *db;        /* NULL: not taken yet */
    int64_t version, looked_ns;
    uint64_t ledger_size, generation;
    struct entry *buckets[BUCKETS], *newest, *oldest;
    size_t bytes;
};

struct cache *cache_new(struct callers *callers, int (*record)(void *arg, struct span record, struct err *e), void *arg)
{
    struct cache *c = calloc(1, sizeof(*c));
    if (!c)
        abort();
    c->callers = callers;
    c->record = record;
    c->arg = arg;
    pthread_mutex_init(&c->lock, NULL);
    return c;
}

/* ── entries ── */

static void entry_unref(struct entry *n)
{
    if (atomic_fetch_sub(&n->holders, 1) > 1)
        return;
    http_ready_free(n->answer);
    buf_fini(&n->key);
    buf_fini(&n->record);
    free(n);
}

static uint64_t hash_of(struct span key)
{
    struct digest d = digest_of(key); /* keys are chosen by clients: nobody can make them meet */
    uint64_t hash;
    memcpy(&hash, d.bytes, sizeof(hash));
    return hash;
}

static void list_take_out(struct cache *c, struct entry *n)
{
    *(n->newer ? &n->newer->older : &c->newest) = n->older;
    *(n->older ? &n->older->newer : &c->oldest) = n->newer;
}

static void list_put_first(struct cache *c, struct entry *n)
{
    n->newer = NULL;
    n->older = c->newest;
    *(c->newest ? &c->newest->newer : &c->oldest) = n;
    c->newest = n;
}

static void drop(struct cache *c, struct entry *n)
{
    struct entry **at = &c->buckets[n->hash % BUCKETS];
    while (*at != n)
        at = &(*at)->next;
    *at = n->next;
    list_take_out(c, n);
    c->bytes -= n->bytes;
    entry_unref(n);
}

static void drop_all(struct cache *c)
{
    while (c->oldest)
        drop(c, c->oldest);
}

static struct entry *find(const struct cache *c, uint64_t hash, struct span key)
{
    for (struct entry *n = c->buckets[hash % BUCKETS]; n; n = n->next)
        if (n->hash == hash && span_equal(buf_span(&n->key), key))
            return n;
    return NULL;
}

void cache_free(struct cache *c)
{
    if (!c)
        return;
    drop_all(c);
    callers_db_give(c->callers, c->db);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

/* ── what was decided ── */

/* 1: something was decided; 0: nothing; -1: it cannot be said. */
static int look(struct cache *c)
{
    struct err e = {0};
    int64_t version, now_ns = clock_mono_ns();
    bool first = !c->db, accesses_only = false;
    if (first && !(c->db = callers_db_take(c->callers, &e)))
        return -1;
    /* The number first: what is committed between the two is seen again at the next look. */
    if (db_data_version(c->db, &version, &e) < 0)
        return -1;
    if (version == c->version && !first) {
        c->looked_ns = now_ns;
        return 0;
    }
    if (first ? db_ledger_size(c->db, &c->ledger_size, &e) < 0
              : db_ledger_accesses_only(c->db, &c->ledger_size, &accesses_only, &e) < 0)
        return -1;
    c->version = version;
    c->looked_ns = now_ns;
    return !accesses_only;
}

static void renew(struct cache *c)
{
    if (look(c) == 0)
        return;
    drop_all(c);
    c->generation++;
}

uint64_t cache_renew(struct cache *c)
{
    pthread_mutex_lock(&c->lock);
    renew(c);
    uint64_t generation = c->generation;
    pthread_mutex_unlock(&c->lock);
    return generation;
}

/* ── answers ── */

static struct entry *take(struct cache *c, struct span key)
{
    uint64_t hash = hash_of(key);
    pthread_mutex_lock(&c->lock);
    if (c->db && clock_mono_ns() - c->looked_ns > LOOK_NS)
        renew(c);
    struct entry *n = find(c, hash, key);
    if (n) {
        n->holders++;
        list_take_out(c, n);
        list_put_first(c, n);
    }
    pthread_mutex_unlock(&c->lock);
    return n;
}

static int write_record(const struct cache *c, const struct entry *n, const struct identity *who)
{
    struct json_out w;
    struct err e = {0};
    auto_buf line = BUF(RECORD_BYTES);
    json_out_init(&w, &line);
    json_out_object(&w);
    json_put_time(&w, "time", clock_now_s());
    json_put_string(&w, "kind", "pull");
    json_put_string(&w, "person", who->person);
    json_put_string(&w, "role", who->role_name);
    buf_add_span(&line, buf_span(&n->record));
    return buf_ok(&line) ? c->record(c->arg, buf_span(&line), &e) : -1;
}

bool cache_answer(struct cache *c, struct http_request *r, const struct identity *who)
{
    auto_buf key = BUF(KEY_MAX);
    if (!http_plain_key(r, &key))
        return false;
    struct entry *n = take(c, buf_span(&key));
    if (!n)
        return false;
    bool recorded = write_record(c, n, who) == 0; /* or else a worker says what is wrong with the log */
    if (recorded)
        http_answer_ready(r, n->answer);
    entry_unref(n);
    return recorded;
}

static struct entry *entry_new(struct span key, struct span record, struct http_ready *answer, size_t bytes)
{
    static const char first[] = ",\"environment\":";
    const char *at = memmem(record.ptr, record.len, first, strlen(first));
    struct entry *n = at ? calloc(1, sizeof(*n)) : NULL;
    if (!n)
        return NULL;
    n->holders = 1;
    n->hash = hash_of(key);
    n->key = BUF(KEY_MAX);
    n->record = BUF(RECORD_BYTES);
    buf_add_span(&n->key, key);
    buf_add(&n->record, at, record.len - (size_t)(at - (const char *)record.ptr));
    n->answer = http_ready_hold(answer);
    n->bytes = sizeof(*n) + n->key.len + n->record.len + bytes;
    if (buf_ok(&n->key) && buf_ok(&n->record))
        return n;
    entry_unref(n);
    return NULL;
}

static void keep(struct cache *c, uint64_t generation, struct entry *n)
{
    pthread_mutex_lock(&c->lock);
    struct entry *there = find(c, n->hash, buf_span(&n->key));
    if (c->generation == generation && !there) {
        n->holders++;
        n->next = c->buckets[n->hash % BUCKETS];
        c->buckets[n->hash % BUCKETS] = n;
        list_put_first(c, n);
        c->bytes += n->bytes;
    }
    while (c->bytes > BYTES_MAX)
        drop(c, c->oldest);
    pthread_mutex_unlock(&c->lock);
}

void cache_answer_new(struct cache *c, struct http_request *r, uint64_t generation, struct span record,
                      const char *content_type, struct buf *body)
{
    auto_buf key = BUF(KEY_MAX);
    if (!buf_ok(body) || body->len > ANSWER_MAX || !http_plain_key(r, &key)) {
        http_answer(r, 200, content_type, body);
        return;
    }
    size_t bytes = body->len;
    struct http_ready *answer = http_ready_new(r, 200, content_type, body);
    struct entry *n = entry_new(buf_span(&key), record, answer, bytes);
    if (n) {
        keep(c, generation, n);
        entry_unref(n);
    }
    http_answer_ready(r, answer);
    http_ready_free(answer);
}
