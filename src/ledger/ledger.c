#include "ledger/ledger.h"

#include <stdio.h>
#include <string.h>

#include "ledger/ledger_internal.h"
#include "store/db_ledger.h"
#include "util/clock.h"
#include "util/file.h"

struct ledger *ledger_open(int dir, struct db *db, const char *origin, const struct private_key *key, struct err *e)
{
    struct ledger *l = calloc(1, sizeof *l);
    if (!l)
        abort();
    l->folder = -1;
    l->db = db;
    l->key = key;
    snprintf(l->origin, sizeof l->origin, "%s", origin);
    l->dir = dir_open(dir, ".", e);
    if (l->dir < 0) {
        ledger_close(l);
        return NULL;
    }
    return l;
}

void ledger_close(struct ledger *l)
{
    if (!l)
        return;
    if (l->dir >= 0)
        close(l->dir);
    if (l->folder >= 0)
        close(l->folder);
    free(l);
}

int ledger_folder(struct ledger *l, struct err *e)
{
    if (l->folder < 0)
        l->folder = dir_open(l->dir, LEDGER_DIR, e);
    return l->folder < 0 ? -1 : 0;
}

int ledger_checkpoint(struct ledger *l, struct buf *note, struct checkpoint *out, struct err *e)
{
    if (ledger_folder(l, e) < 0 || file_read(l->folder, LEDGER_CHECKPOINT, note, e) < 0)
        return -1;
    if (checkpoint_parse(buf_span(note), out, e) < 0)
        return err_prefix(e, LEDGER_DIR "/" LEDGER_CHECKPOINT);
    return 0;
}

/* ── entries ── */

void ledger_event(struct json_out *w, struct buf *out, int64_t now_s, const char *actor, const char *action)
{
    json_out_init(w, out);
    json_out_object(w);
    json_put_time(w, "time", now_s);
    json_put_string(w, "actor", actor);
    json_put_string(w, "action", action);
}

int ledger_append(struct ledger *l, struct json_out *w, int64_t now_s, uint64_t *seq, struct err *e)
{
    json_out_object_end(w);
    if (buf_check(w->out, "ledger entry", e) < 0)
        return -1;
    struct span entry = buf_span(w->out);
    if (entry.len > LIMIT_LEDGER_ENTRY_BYTES)
        return err_set(e, ERR_LIMIT, 0, "the ledger entry has %zu bytes; at most %u fit (name large things by digest)",
                       entry.len, LIMIT_LEDGER_ENTRY_BYTES);
    struct digest leaf = merkle_leaf(entry);
    return db_ledger_add(l->db, now_s, entry, &leaf, seq, e);
}

uint64_t ledger_size(struct ledger *l)
{
    uint64_t size = 0;
    return db_ledger_size(l->db, &size, NULL) < 0 ? 0 : size;
}

int ledger_vkey(const char *origin, const struct public_key *k, struct buf *out, struct err *e)
{
    auto_vkey v;
    if (vkey_make(origin, k, &v, e) < 0)
        return -1;
    vkey_write(&v, out);
    return buf_check(out, "verification key", e);
}

struct each_entry {
    int (*each)(void *arg, uint64_t seq, int64_t time_s, struct span entry);
    void *arg;
};

static int each_row(void *arg, const struct ledger_row *row)
{
    const struct each_entry *to = arg;
    return to->each(to->arg, row->seq, row->time_s, row->entry);
}

int ledger_each(struct ledger *l, uint64_t from, uint64_t to,
                int (*each)(void *arg, uint64_t seq, int64_t time_s, struct span entry), void *arg, struct err *e)
{
    struct each_entry rows = {each, arg};
    return db_ledger_each(l->db, from, to, each_row, &rows, e);
}
