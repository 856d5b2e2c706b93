#include "cli/status_holds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/callers_porter.h"
#include "ledger/access.h"
#include "registry/push.h"
#include "ship/shipment.h"
#include "store/blobs_upload.h"
#include "store/db_push.h"
#include "util/clock.h"
#include "util/limits.h"

/* As many records as are looked at for locks: some minutes of a busy contour. */
#define RECORDS_MAX 200000U

/* ── what was pushed ── */

struct summing {
    struct blobs *blobs; /* NULL: nobody ever pushed */
    json_t *list;        /* borrowed */
    struct err *e;
};

static void append(json_t *list, json_t *made)
{
    if (!made || json_array_append_new(list, made) < 0)
        abort();
}

static int add_sum(void *arg, const struct push_sum *sum)
{
    struct summing *w = arg;
    char mark[PUSH_MARK_SIZE];
    uint64_t unfinished = 0;
    push_mark(sum->repository, mark);
    if (w->blobs && blob_uploads_bytes(w->blobs, mark, &unfinished, w->e) < 0)
        return -1;
    append(w->list,
           json_pack("{s:s, s:I, s:I, s:I, s:I, s:s}", "repository", sum->repository, "blobs", (json_int_t)sum->blobs,
                     "manifests", (json_int_t)sum->manifests, "bytes", (json_int_t)sum->bytes, "unfinished_bytes",
                     (json_int_t)unfinished, "newest", time_text(sum->newest_s).text));
    return 0;
}

static int look_at_pushed(struct site *s, struct status_holds *out, struct err *e)
{
    struct err absent = {0};
    uint64_t unfinished = 0;
    struct blobs *blobs = blobs_open(s->dir, PUSHED_FOLDER, &absent);
    json_t *list = json_array();
    struct summing w = {blobs, list, e};
    int result = blobs ? blob_uploads_bytes(blobs, "", &unfinished, e) : 0;
    if (result == 0)
        result = db_push_sum_each(s->db, add_sum, &w, e);
    blobs_close(blobs);
    out->pushed = json_pack("{s:I, s:I, s:o}", "quota_bytes", (json_int_t)s->config.quota_bytes, "unfinished_bytes",
                            (json_int_t)unfinished, "repositories", list);
    if (!out->pushed)
        abort();
    return result;
}

/* ── who is locked ── */

struct locks {
    json_t *list;           /* borrowed */
    int64_t now_s, since_s; /* older records lock nobody any more */
};

static bool is_listed(const json_t *list, const char *address)
{
    size_t i;
    json_t *lock;
    json_array_foreach(list, i, lock)
    {
        if (strcmp(json_get_string(lock, "address", ""), address) == 0)
            return true;
    }
    return false;
}

/* The newest comes first: of an address that was locked twice the later end counts. */
static int add_lock(void *arg, struct span record)
{
    struct locks *w = arg;
    struct err bad = {0};
    int64_t time_s;
    auto_json j = json_parse(record, LIMIT_JSON_BYTES, "access record", &bad);
    if (!j || json_need_time(j, "time", "", &time_s, &bad) < 0)
        return 0; /* fsck names it */
    if (time_s < w->since_s)
        return 1;
    const char *address = json_get_string(j, "address", "");
    int64_t until_s = time_s + json_integer_value(json_object_get(j, "seconds"));
    if (strcmp(json_get_string(j, "kind", ""), "lock") != 0 || until_s <= w->now_s || is_listed(w->list, address))
        return 0;
    append(w->list, json_pack("{s:s, s:I, s:s}", "address", address, "failures",
                              json_integer_value(json_object_get(j, "failures")), "until", time_text(until_s).text));
    return 0;
}

static int look_at_locks(struct site *s, const struct serve_found *serves, struct status_holds *out, struct err *e)
{
    out->locks = json_array();
    if (!serves)
        return 0;
    struct locks w = {.list = out->locks, .now_s = clock_now_s()};
    w.since_s = w.now_s - PORTER_LOCK_S;
    if (serves->pid && serves->started_s > w.since_s)
        w.since_s = serves->started_s; /* the one before it took its locks along */
    return access_recent(s->dir, RECORDS_MAX, add_lock, &w, e) < 0 ? -1 : 0;
}

int status_holds_look(struct site *s, const struct serve_found *serves, struct status_holds *out, struct err *e)
{
    return look_at_pushed(s, out, e) < 0 ? -1 : look_at_locks(s, serves, out, e);
}

void status_holds_fini(struct status_holds *h)
{
    json_decref(h->pushed);
    json_decref(h->locks);
}

/* ── text ── */

static unsigned long long number(const json_t *j, const char *key)
{
    return (unsigned long long)json_integer_value(json_object_get(j, key));
}

static void print_pushed(const json_t *pushed)
{
    size_t i;
    json_t *list = json_object_get(pushed, "repositories"), *r;
    unsigned long long quota = number(pushed, "quota_bytes"), unfinished = number(pushed, "unfinished_bytes");
    if (json_array_size(list) == 0 && unfinished == 0)
        return;
    printf("\nPushed, and not judged");
    if (quota)
        printf(" (quota of each repository: %llu MiB)\n", quota >> 20);
    else
        printf(" (no quota)\n");
    json_array_foreach(list, i, r)
    {
        unsigned long long bytes = number(r, "bytes") + number(r, "unfinished_bytes");
        printf("  %-32s %llu MiB", json_get_string(r, "repository", "?"), (bytes + (1U << 20) - 1) >> 20);
        if (quota)
            printf(" (%llu %% of its quota)", bytes * 100 / quota);
        printf(", %llu blobs, %llu manifests, the newest of %s\n", number(r, "blobs"), number(r, "manifests"),
               json_get_string(r, "newest", "?"));
    }
    if (unfinished)
        printf("  unfinished uploads: %llu bytes\n", unfinished);
    printf("  `airlock gc` takes what no tag leads to, a day after it came; DELETE takes the rest (docs/keeping.md)\n");
}

void status_holds_print(const struct status_holds *h)
{
    size_t i;
    json_t *lock;
    print_pushed(h->pushed);
    if (json_array_size(h->locks))
        printf("\nLocked addresses: wrong tokens came from them, and only tokens that worked lately go on\n");
    json_array_foreach(h->locks, i, lock)
    {
        printf("  %-40s until %s, after %llu wrong tokens\n", json_get_string(lock, "address", "?"),
               json_get_string(lock, "until", "?"), number(lock, "failures"));
    }
}

/* ── JSON ── */

static void put(struct json_out *j, const char *key, const json_t *value)
{
    auto_free char *text = json_dumps(value, JSON_COMPACT);
    if (!text)
        abort();
    json_out_key(j, key);
    json_out_raw(j, span_str(text));
}

void status_holds_put(struct json_out *j, const struct status_holds *h)
{
    put(j, "pushed", h->pushed);
    put(j, "locks", h->locks);
}
