/* The ledger beside the database that it stands on.
 *
 *   ledger-bench measure DIR      in a fresh directory: prints the table
 *   ledger-bench make DIR N       a ledger of N entries in DIR (for a test with another implementation): prints its
 *                                 vkey
 *
 * Raw SQLite and the ledger take turns, round by round, on the same file system with the same settings (WAL,
 * synchronous=FULL); the median of the rounds counts. A ratio of one run can be compared between machines, entries per
 * second cannot. */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/access.h"
#include "ledger/ledger.h"
#include "util/clock.h"
#include "util/file.h"

#define ORIGIN         "airlock/bench/00"
#define ROUNDS         5
#define SINGLE         400 /* commits of one entry in a round */
#define BATCHES        100 /* commits of BATCH entries in a round */
#define BATCH          64
#define VERIFY_ENTRIES 100000
#define ACCESSES       100000

struct bench {
    int dir;
    struct db *db;
    struct private_key *key;
    struct ledger *ledger;
    sqlite3 *raw;
    sqlite3_stmt *insert;
};

static void must(int ok, const char *what, const struct err *e)
{
    if (ok)
        return;
    fprintf(stderr, "ledger-bench: %s: %s\n", what, e ? e->msg : "failed");
    exit(1);
}

static void open_ledger(struct bench *b, const char *path)
{
    struct err e = {0};
    must(dir_make(AT_FDCWD, path, 0700, &e) == 0, path, &e);
    b->dir = dir_open(AT_FDCWD, path, &e);
    b->db = b->dir < 0 ? NULL : db_make(b->dir, &e);
    b->key = b->db ? private_key_new(KEY_ED25519, &e) : NULL;
    b->ledger = b->key ? ledger_open(b->dir, b->db, ORIGIN, b->key, &e) : NULL;
    must(b->ledger != NULL, path, &e);
}

static void open_raw(struct bench *b, const char *path)
{
    char file[4096];
    snprintf(file, sizeof file, "%s/raw.db", path);
    must(sqlite3_open(file, &b->raw) == SQLITE_OK, file, NULL);
    must(sqlite3_exec(b->raw,
                      "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                      "CREATE TABLE row(seq INTEGER PRIMARY KEY, time INTEGER, entry BLOB, leaf BLOB) STRICT",
                      NULL, NULL, NULL) == SQLITE_OK,
         file, NULL);
    must(sqlite3_prepare_v2(b->raw, "INSERT INTO row(time, entry, leaf) VALUES(1, ?1, zeroblob(32))", -1, &b->insert,
                            NULL) == SQLITE_OK,
         file, NULL);
}

static void write_entry(struct json_out *w, struct buf *entry, unsigned n)
{
    buf_clear(entry);
    ledger_event(w, entry, 1700000000, "person:bench", "promote");
    json_put_string(w, "release", "assistant:v1.0.0");
    json_put_string(w, "digest", "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    json_put_uint(w, "number", n);
}

/* ── one round of each ── */

static void raw_commits(struct bench *b, unsigned commits, unsigned each)
{
    struct json_out w;
    auto_buf entry = BUF(4096);
    for (unsigned i = 0; i < commits; i++) {
        sqlite3_exec(b->raw, "BEGIN IMMEDIATE", NULL, NULL, NULL);
        for (unsigned k = 0; k < each; k++) {
            write_entry(&w, &entry, k);
            json_out_object_end(&w);
            sqlite3_bind_blob(b->insert, 1, entry.ptr, (int)entry.len, SQLITE_STATIC);
            must(sqlite3_step(b->insert) == SQLITE_DONE, "insert", NULL);
            sqlite3_reset(b->insert);
        }
        must(sqlite3_exec(b->raw, "COMMIT", NULL, NULL, NULL) == SQLITE_OK, "commit", NULL);
    }
}

static void ledger_commits(struct bench *b, unsigned commits, unsigned each, bool publish)
{
    struct json_out w;
    struct err e = {0};
    auto_buf entry = BUF(4096);
    for (unsigned i = 0; i < commits; i++) {
        must(db_begin(b->db, &e) == 0, "begin", &e);
        for (unsigned k = 0; k < each; k++) {
            write_entry(&w, &entry, k);
            must(ledger_append(b->ledger, &w, 1700000000, NULL, &e) == 0, "append", &e);
        }
        must(db_commit(b->db, &e) == 0, "commit", &e);
        must(!publish || ledger_publish(b->ledger, &e) == 0, "publish", &e);
    }
}

struct figure {
    const char *what;
    double rounds[ROUNDS];
};

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(struct figure *f)
{
    qsort(f->rounds, ROUNDS, sizeof f->rounds[0], by_size);
    return f->rounds[ROUNDS / 2];
}

static double per_second(double count, int64_t begun_ns)
{
    return count * 1e9 / (double)(clock_mono_ns() - begun_ns);
}

static void print_pair(struct figure *raw, struct figure *ours)
{
    double r = median(raw), o = median(ours);
    printf("%-52s %12.0f %12.0f %8.2f\n", ours->what, r, o, o / r);
}

static void measure_commits(struct bench *b)
{
    struct figure raw_one = {.what = ""}, one = {.what = "entries/s, one a commit"};
    struct figure published = {.what = "entries/s, one a commit, tiles and checkpoint too"};
    struct figure raw_batch = {.what = ""}, batch = {.what = "entries/s, 64 a commit"};
    for (unsigned i = 0; i < ROUNDS; i++) {
        int64_t t = clock_mono_ns();
        raw_commits(b, SINGLE, 1);
        raw_one.rounds[i] = per_second(SINGLE, t);
        t = clock_mono_ns();
        ledger_commits(b, SINGLE, 1, false);
        one.rounds[i] = per_second(SINGLE, t);
        t = clock_mono_ns();
        ledger_commits(b, SINGLE / 4, 1, true);
        published.rounds[i] = per_second(SINGLE / 4, t);
        t = clock_mono_ns();
        raw_commits(b, BATCHES, BATCH);
        raw_batch.rounds[i] = per_second(BATCHES * BATCH, t);
        t = clock_mono_ns();
        ledger_commits(b, BATCHES, BATCH, false);
        batch.rounds[i] = per_second(BATCHES * BATCH, t);
    }
    printf("%-52s %12s %12s %8s\n", "durable", "raw SQLite", "ledger", "ratio");
    print_pair(&raw_one, &one);
    print_pair(&raw_one, &published);
    print_pair(&raw_batch, &batch);
}

static void fill(struct bench *b, uint64_t entries)
{
    struct err e = {0};
    while (ledger_size(b->ledger) < entries) {
        uint64_t left = entries - ledger_size(b->ledger);
        ledger_commits(b, 1, left < 1000 ? (unsigned)left : 1000, false);
    }
    must(ledger_publish(b->ledger, &e) == 0, "publish", &e);
}

static void measure_verification(struct bench *b)
{
    struct err e = {0};
    auto_buf vkey = BUF(1024), report = BUF(65536);
    uint64_t entries = 0;
    fill(b, VERIFY_ENTRIES);
    must(ledger_vkey(ORIGIN, private_key_public(b->key), &vkey, &e) == 0, "vkey", &e);
    auto_fd folder = dir_open(b->dir, "ledger", &e);
    int64_t t = clock_mono_ns();
    must(ledger_verify(folder, buf_str(&vkey), &report, &entries, &e) == 1, buf_str(&report), &e);
    double files = (double)(clock_mono_ns() - t) / 1e9;
    t = clock_mono_ns();
    must(ledger_verify_rows(b->ledger, &report, &e) == 1, buf_str(&report), &e);
    double rows = (double)(clock_mono_ns() - t) / 1e9;
    printf("\nverification of %llu entries: export %.3f s, rows of state.db against it %.3f s\n",
           (unsigned long long)entries, files, rows);
}

static void measure_access(struct bench *b)
{
    struct err e = {0};
    int64_t t = clock_mono_ns();
    struct access_log *a = access_open(b->dir, ORIGIN, b->key, &e);
    must(a != NULL, "access log", &e);
    for (unsigned i = 0; i < ACCESSES; i++)
        must(access_add(
                 a,
                 SPAN_LIT("{\"time\":\"2026-11-24T08:00:00Z\",\"person\":\"carl\",\"role\":\"consumer\","
                          "\"release\":\"assistant:v1.0.0\",\"tokens_in\":31,\"tokens_out\":150,\"total_ms\":812}"),
                 NULL, &e) == 0,
             "add", &e);
    access_close(a);
    printf("access records, added, durable and bound: %.0f records/s\n", per_second(ACCESSES, t));
}

static void close_bench(struct bench *b)
{
    sqlite3_finalize(b->insert);
    sqlite3_close(b->raw);
    ledger_close(b->ledger);
    private_key_free(b->key);
    db_close(b->db);
}

int main(int argc, char **argv)
{
    struct bench b = {.dir = -1};
    uint64_t entries = 0;
    if (argc == 3 && strcmp(argv[1], "measure") == 0) {
        open_ledger(&b, argv[2]);
        open_raw(&b, argv[2]);
        measure_commits(&b);
        measure_verification(&b);
        measure_access(&b);
    } else if (argc == 4 && strcmp(argv[1], "make") == 0 && span_decimal(span_str(argv[3]), &entries)) {
        struct err e = {0};
        auto_buf vkey = BUF(1024);
        open_ledger(&b, argv[2]);
        fill(&b, entries);
        must(ledger_vkey(ORIGIN, private_key_public(b.key), &vkey, &e) == 0, "vkey", &e);
        printf("%s\n", buf_str(&vkey));
    } else {
        fprintf(stderr, "usage: ledger-bench measure DIR | make DIR N\n");
        return 2;
    }
    close_bench(&b);
    return 0;
}
