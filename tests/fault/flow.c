#include "flow.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "ledger/access.h"
#include "ledger/ledger.h"
#include "store/blobs.h"
#include "store/db_ledger.h"
#include "store/db_release.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/sys.h"

#define ORIGIN   "airlock/flow/00"
#define BLOBS    3
#define FILL     255 /* entries that fill the first tile and begin another */
#define ACCESSES 3

struct flow {
    int dir;
    const struct private_key *key;
    struct flow_progress *done;
    struct blobs *store, *quarantine;
    struct db *db;
    struct ledger *ledger;
};

static void close_flow(struct flow *f)
{
    ledger_close(f->ledger);
    db_close(f->db);
    blobs_close(f->quarantine);
    blobs_close(f->store);
}

/* Large enough for several writes and a page of SQLite. */
static struct span content(unsigned i, struct buf *out)
{
    while (out->len < 9000)
        buf_printf(out, "blob %u line %zu\n", i, out->len);
    return buf_span(out);
}

static struct digest content_id(unsigned i)
{
    auto_buf bytes = BUF(20000);
    return digest_of(content(i, &bytes));
}

static int make(struct flow *f, struct err *e)
{
    f->store = blobs_make(f->dir, "store", e);
    f->db = f->store ? db_make(f->dir, e) : NULL;
    f->ledger = f->db ? ledger_open(f->dir, f->db, ORIGIN, f->key, e) : NULL;
    if (!f->ledger)
        return -1;
    f->done->made = 1;
    return 0;
}

/* Commits with one entry, and publishes. */
static int commit(struct flow *f, const char *action, struct err *e)
{
    struct json_out w;
    auto_buf entry = BUF(1000);
    uint64_t seq;
    int64_t now_s = clock_now_s();
    ledger_event(&w, &entry, now_s, "os:flow", action);
    if (ledger_append(f->ledger, &w, now_s, &seq, e) < 0 || db_commit(f->db, e) < 0)
        return -1;
    f->done->entries = (unsigned)seq + 1;
    return 0;
}

static int publish(struct flow *f, struct err *e)
{
    unsigned entries = f->done->entries;
    if (ledger_publish(f->ledger, e) < 0)
        return -1;
    f->done->published = entries;
    return 0;
}

static int receive_rows(struct flow *f, struct err *e)
{
    struct shipment_row shipment = {.folder = "1", .station = "station", .sequence = 1};
    struct release_row release = {.digest = content_id(0), .name = "assistant", .version = "v1.0.0", .shipment = 1};
    if (db_shipment_add(f->db, &shipment, NULL, e) < 0 || db_release_add(f->db, &release, e) < 0)
        return -1;
    for (unsigned i = 0; i < BLOBS; i++) {
        struct digest id = content_id(i);
        if (db_shipment_blob_add(f->db, 1, &id, 9000, e) < 0 ||
            db_release_blob_add(f->db, &release.digest, &id, "text/plain", 9000, e) < 0)
            return -1;
    }
    return 0;
}

/* The shipment is gathered under another name; its rename makes it a shipment. */
static int gather(struct flow *f, struct err *e)
{
    struct stat st;
    if (dir_make(f->dir, "quarantine", 0755, e) < 0)
        return -1;
    auto_fd quarantine = dir_open(f->dir, "quarantine", e);
    if (quarantine < 0)
        return -1;
    if (fstatat(quarantine, "1", &st, 0) == 0)
        return dir_sync(quarantine, "quarantine", e);
    if (tree_remove(quarantine, "1.partial", e) < 0)
        return -1;
    struct blobs *b = blobs_make(quarantine, "1.partial", e);
    if (!b)
        return -1;
    int result = 0;
    blobs_batch_begin(b);
    for (unsigned i = 0; i < BLOBS && result == 0; i++) {
        auto_buf bytes = BUF(20000);
        result = blob_put(b, content(i, &bytes), NULL, e);
    }
    if (result == 0)
        result = blobs_batch_end(b, e);
    blobs_close(b);
    if (result < 0)
        return -1;
    if (sys.renameat2(quarantine, "1.partial", quarantine, "1", 0) < 0)
        return err_set(e, ERR_IO, errno, "rename quarantine/1.partial");
    return dir_sync(quarantine, "quarantine", e);
}

static int receive(struct flow *f, struct err *e)
{
    struct release_row row;
    auto_buf names = BUF(1000);
    struct digest release = content_id(0);
    if (db_release_get(f->db, &release, &row, &names, NULL) < 0) {
        auto_tx struct db *tx = f->db;
        if (gather(f, e) < 0 || db_begin(tx, e) < 0 || receive_rows(f, e) < 0 || commit(f, "receive", e) < 0)
            return -1;
    }
    f->done->received = 1;
    f->quarantine = blobs_open(f->dir, "quarantine/1", e);
    return f->quarantine ? publish(f, e) : -1;
}

static int admit_rows(struct flow *f, struct err *e)
{
    struct pointer_row pointer = {"sandbox", "assistant", content_id(0), 1, "promote", 1};
    for (unsigned i = 0; i < BLOBS; i++) {
        struct digest id = content_id(i);
        if (db_blob_add(f->db, &id, 9000, e) < 0)
            return -1;
    }
    if (db_shipment_set_state(f->db, 1, SHIPMENT_ADMITTED, e) < 0 || db_release_admit(f->db, &pointer.release, e) < 0)
        return -1;
    return db_pointer_set(f->db, &pointer, e);
}

static int admit(struct flow *f, struct err *e)
{
    struct digest now;
    if (db_pointer_get(f->db, "sandbox", "assistant", &now, NULL) < 0) {
        blobs_batch_begin(f->store);
        for (unsigned i = 0; i < BLOBS; i++) {
            struct digest id = content_id(i);
            if (blob_link(f->quarantine, f->store, &id, e) < 0)
                return -1;
        }
        auto_tx struct db *tx = f->db;
        if (blobs_batch_end(f->store, e) < 0 || db_begin(tx, e) < 0 || admit_rows(f, e) < 0 ||
            commit(f, "promote", e) < 0)
            return -1;
    }
    f->done->admitted = 1;
    return publish(f, e);
}

static int fill(struct flow *f, struct err *e)
{
    struct json_out w;
    uint64_t seq = ledger_size(f->ledger);
    if (seq >= FILL)
        return publish(f, e);
    auto_tx struct db *tx = f->db;
    if (db_begin(tx, e) < 0)
        return -1;
    for (unsigned i = 0; i < FILL; i++) {
        auto_buf entry = BUF(1000);
        ledger_event(&w, &entry, clock_now_s(), "os:flow", "fill");
        if (ledger_append(f->ledger, &w, clock_now_s(), &seq, e) < 0)
            return -1;
    }
    if (db_commit(tx, e) < 0)
        return -1;
    f->done->entries = (unsigned)seq + 1;
    return publish(f, e);
}

static int record_accesses(struct flow *f, struct err *e)
{
    struct access_log *a = access_open(f->dir, ORIGIN, f->key, e);
    uint64_t id = 0;
    int result = 0;
    if (!a)
        return -1;
    while (id < ACCESSES && result == 0)
        result = access_add(a, SPAN_LIT("{\"person\":\"carl\"}"), &id, e);
    access_close(a);
    if (ledger_size(f->ledger) > f->done->entries)
        f->done->accesses = ACCESSES; /* the batch is bound */
    else if (result == 0)
        result = err_set(e, ERR_IO, 0, "access records were not sealed");
    return result;
}

int flow_run(int dir, const struct private_key *key, struct flow_progress *done, struct err *e)
{
    struct flow f = {.dir = dir, .key = key, .done = done};
    int result = 0;
    if (make(&f, e) < 0 || receive(&f, e) < 0 || admit(&f, e) < 0 || fill(&f, e) < 0 || record_accesses(&f, e) < 0)
        result = -1;
    close_flow(&f);
    return result;
}

/* ── checking ── */

static int whole_blob(void *arg, const struct digest *id, const char *name, uint64_t size)
{
    auto_buf bytes = BUF(1U << 20);
    struct err e;
    (void)name, (void)size;
    return id && blob_read(arg, id, &bytes, &e) < 0 ? -2 : 0;
}

static int row_blob(void *arg, const struct digest *id, uint64_t size)
{
    (void)size;
    return blob_have(arg, id) ? 0 : -2;
}

static int check_blobs(int dir, const char *path, struct db *db, bool quarantine, struct err *e)
{
    struct blobs *b = blobs_open(dir, path, e);
    if (!b)
        return -1;
    int files = blobs_each(b, whole_blob, b, e);
    int rows = quarantine ? db_shipment_blob_each(db, 1, row_blob, b, e) : db_blob_each(db, row_blob, b, e);
    blobs_close(b);
    if (files)
        return err_set(e, ERR_INPUT, 0, "%s: a blob is half", path);
    return rows ? err_set(e, ERR_INPUT, 0, "%s: a row has no blob", path) : 0;
}

static int has_shipment(void *arg, const struct shipment_row *row)
{
    (void)row;
    *(bool *)arg = true;
    return 0;
}

static int check_ledger(int dir, struct db *db, const struct private_key *key, const struct flow_progress *done,
                        bool whole, struct err *e)
{
    auto_buf vkey = BUF(1000), report = BUF(100000);
    uint64_t published = 0;
    struct ledger *l = ledger_open(dir, db, ORIGIN, key, e);
    if (!l || ledger_vkey(ORIGIN, private_key_public(key), &vkey, e) < 0)
        return -1;
    uint64_t rows = ledger_size(l);
    int by_rows = ledger_verify_rows(l, &report, e), accesses = access_verify(dir, l, &report, e);
    ledger_close(l);
    if (by_rows != 1 || accesses != 1)
        return err_set(e, ERR_INPUT, 0, "ledger or access: %s", buf_str(&report));
    auto_fd folder = dir_open(dir, "ledger", NULL);
    if (folder >= 0 && faccessat(folder, "checkpoint", F_OK, 0) == 0 &&
        ledger_verify(folder, buf_str(&vkey), &report, &published, e) != 1)
        return err_set(e, ERR_INPUT, 0, "ledger files: %s", buf_str(&report));
    if (rows < done->entries || published < done->published || (whole && published != rows))
        return err_set(e, ERR_INPUT, 0, "ledger: %llu rows (%u acknowledged), %llu published (%u acknowledged)",
                       (unsigned long long)rows, done->entries, (unsigned long long)published, done->published);
    return 0;
}

static int count_record(void *arg, struct span record)
{
    (void)record;
    ++*(unsigned *)arg;
    return 0;
}

static int check_open(int dir, struct db *db, const struct private_key *key, const struct flow_progress *done,
                      bool whole, struct err *e)
{
    bool shipment = false;
    struct digest now;
    unsigned records = 0;
    if (db_check(db, e) < 0 || check_ledger(dir, db, key, done, whole, e) < 0 ||
        check_blobs(dir, "store", db, false, e) < 0 || db_shipment_each(db, 1, has_shipment, &shipment, e) < 0)
        return -1;
    if (shipment && check_blobs(dir, "quarantine/1", db, true, e) < 0)
        return -1;
    if ((done->received || whole) && !shipment)
        return err_set(e, ERR_INPUT, 0, "the shipment was acknowledged, and is gone");
    if ((done->admitted || whole) && db_pointer_get(db, "sandbox", "assistant", &now, e) < 0)
        return err_prefix(e, "the promotion was acknowledged");
    if (access_recent(dir, 100, count_record, &records, e) < 0)
        return -1;
    if (records < done->accesses)
        return err_set(e, ERR_INPUT, 0, "%u access records of %u", records, done->accesses);
    return 0;
}

int flow_check(int dir, const struct private_key *key, const struct flow_progress *done, bool whole, struct err *e)
{
    struct db *db = db_open(dir, e);
    if (!db)
        return done->made || whole || !e || e->code != ERR_NOTFOUND ? -1 : 0;
    int result = check_open(dir, db, key, done, whole, e);
    db_close(db);
    return result;
}
