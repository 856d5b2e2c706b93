/* From rows to files. Order, so that whoever reads the folder at any moment finds a checkpoint whose tiles are all
 * there: full tiles → partial tiles → checkpoint → the partial tiles that full ones replaced are removed. Each file is
 * durable before the next begins (file_write). Tiles follow from rows that never change, so an interrupted publish is
 * completed by doing it again. A lock (ledger/.lock) lets one process publish at a time.
 *
 * What the last checkpoint signed is never contradicted: the tiles' edge must give its root before a row is added, and
 * a database with fewer rows, or other ones, is refused. Files that are missing are written again from the rows; files
 * that are wrong are left for fsck to name. */
#include <stdio.h>
#include <string.h>

#include "ledger/ledger.h"
#include "ledger/ledger_internal.h"
#include "store/db_ledger.h"
#include "util/file.h"

struct publisher {
    struct ledger *ledger;
    struct checkpoint old; /* size 0 and the empty root when nothing was published */
    bool whole;            /* its files were all there */
    struct buf bundle;     /* the entries of the unfinished tile */
    uint64_t next;         /* the row that must come next */
    struct err *e;
};

static int open_folder(struct ledger *l, struct err *e)
{
    if (l->folder < 0 && dir_make(l->dir, LEDGER_DIR, 0755, e) < 0)
        return -1;
    return ledger_folder(l, e);
}

/* The last checkpoint, which our own key must have signed. */
static int read_old(struct ledger *l, struct checkpoint *old, struct err *e)
{
    auto_buf note = BUF(NOTE_MAX_BYTES);
    auto_vkey v = {0};
    struct err why = {0};
    if (ledger_checkpoint(l, &note, old, &why) < 0) {
        *old = (struct checkpoint){.size = 0, .root = merkle_empty()};
        return why.code == ERR_NOTFOUND ? 0 : err_set(e, why.code, 0, "%s", why.msg);
    }
    if (vkey_make(l->origin, private_key_public(l->key), &v, e) < 0)
        return -1;
    if (checkpoint_check(buf_span(&note), &v, e) < 0)
        return err_prefix(e, LEDGER_DIR "/" LEDGER_CHECKPOINT ": not signed by this contour's ledger key");
    return 0;
}

/* The edge of the published tree from its partial tiles. 1: read, and right; 0: a file is missing; -1. */
static int read_edge(struct ledger *l, const struct checkpoint *old, struct err *e)
{
    struct err why = {0};
    l->tree.size = old->size;
    for (unsigned level = 0; level < MERKLE_LEVELS; level++) {
        struct tile t = {level, merkle_full_tiles(old->size, level), merkle_partial(old->size, level)};
        if (t.width == 0 || tile_read_hashes(l->folder, t, l->tree.edge[level], &why) == 0)
            continue;
        return why.code == ERR_NOTFOUND ? 0 : err_set(e, why.code, 0, LEDGER_DIR "/%s: %s", tile_name(t).text, why.msg);
    }
    struct digest root = merkle_root(&l->tree);
    if (digest_equal(&root, &old->root))
        return 1;
    err_set(e, ERR_INPUT, 0, "the ledger's tiles do not give the root that its checkpoint signed for %llu entries",
            (unsigned long long)old->size);
    return err_hint(e, "Nothing more is published; `airlock fsck` names the file");
}

static int write_full(void *arg, unsigned level, uint64_t index, const struct digest hashes[TILE_WIDTH])
{
    struct publisher *p = arg;
    if (level == 0) {
        struct tile entries = {TILE_ENTRIES, index, TILE_WIDTH};
        if (tile_write(p->ledger->folder, entries, buf_span(&p->bundle), p->e) < 0)
            return -1;
        buf_clear(&p->bundle);
    }
    return tile_write(p->ledger->folder, (struct tile){level, index, TILE_WIDTH},
                      span_of(hashes, TILE_WIDTH * sizeof hashes[0]), p->e);
}

static int refuse_row(struct publisher *p, const struct ledger_row *row, const char *why)
{
    err_set(p->e, ERR_INPUT, 0, "state.db, ledger row %llu: %s", (unsigned long long)row->seq, why);
    return err_hint(p->e, "Nothing more is published; `airlock fsck` names what differs");
}

/* Rows of the unfinished tile that are published already only fill the bundle; later ones grow the tree. */
static int take_row(void *arg, const struct ledger_row *row)
{
    struct publisher *p = arg;
    struct merkle *t = &p->ledger->tree;
    struct digest leaf = merkle_leaf(row->entry);
    if (row->seq != p->next)
        return refuse_row(p, row, "the rows before it are missing");
    p->next++;
    if (!digest_equal(&leaf, &row->leaf))
        return refuse_row(p, row, "its bytes do not give the hash that stands beside them");
    bundle_add(&p->bundle, row->entry);
    if (row->seq < t->size) {
        if (!digest_equal(&leaf, &t->edge[0][row->seq % TILE_WIDTH]))
            return refuse_row(p, row, "not the entry that was published and signed");
        return 0;
    }
    if (merkle_add(t, &leaf, write_full, p) != 0)
        return -1;
    if (t->size != p->old.size)
        return 0;
    struct digest root = merkle_root(t); /* all was written again, up to what was signed before */
    return digest_equal(&root, &p->old.root) ? 0 : refuse_row(p, row, "the rows up to it do not give the signed root");
}

static int write_partial(struct publisher *p, struct err *e)
{
    struct ledger *l = p->ledger;
    for (unsigned level = 0; level < MERKLE_LEVELS; level++) {
        struct tile t = {level, merkle_full_tiles(l->tree.size, level), merkle_partial(l->tree.size, level)};
        bool as_before = p->whole && t.width == merkle_partial(p->old.size, level) &&
                         t.index == merkle_full_tiles(p->old.size, level);
        if (t.width == 0 || as_before)
            continue;
        if (tile_write(l->folder, t, span_of(l->tree.edge[level], t.width * sizeof(struct digest)), e) < 0)
            return -1;
        t.level = TILE_ENTRIES;
        if (level == 0 && tile_write(l->folder, t, buf_span(&p->bundle), e) < 0)
            return -1;
    }
    return 0;
}

static int write_checkpoint(struct ledger *l, struct err *e)
{
    auto_buf note = BUF(NOTE_MAX_BYTES);
    struct checkpoint c = {.size = l->tree.size, .root = merkle_root(&l->tree)};
    snprintf(c.origin, sizeof c.origin, "%s", l->origin);
    if (checkpoint_sign(&c, l->key, &note, e) < 0)
        return -1;
    return file_write(l->folder, LEDGER_CHECKPOINT, buf_span(&note), 0644, e);
}

/* Full tiles that this publish completed: their partial ones are of no use any more (tlog-tiles, "Partial Tiles"). */
static int prune(struct ledger *l, uint64_t from, struct err *e)
{
    for (unsigned level = 0; level < MERKLE_LEVELS; level++)
        for (uint64_t i = merkle_full_tiles(from, level); i < merkle_full_tiles(l->tree.size, level); i++)
            if (tile_prune(l->folder, level, i, e) < 0 || (level == 0 && tile_prune(l->folder, TILE_ENTRIES, i, e) < 0))
                return -1;
    return 0;
}

static int grow(struct publisher *p, uint64_t size, struct err *e)
{
    struct ledger *l = p->ledger;
    uint64_t from = l->tree.size - merkle_partial(l->tree.size, 0);
    l->tree_known = false; /* until the files say the same */
    p->next = from;
    if (db_ledger_each(l->db, from, size, take_row, p, e) != 0)
        return -1;
    if (l->tree.size != size)
        return err_set(e, ERR_INPUT, 0, "state.db: %llu ledger rows were read; wanted %llu",
                       (unsigned long long)l->tree.size, (unsigned long long)size);
    if (write_partial(p, e) < 0 || write_checkpoint(l, e) < 0 || prune(l, p->old.size, e) < 0)
        return -1;
    l->tree_known = true;
    return 0;
}

/* Brings l->tree to the published state: known, read from its files, or empty when files are missing. */
static int load_tree(struct publisher *p, struct err *e)
{
    struct ledger *l = p->ledger;
    if (l->tree_known && l->tree.size == p->old.size) {
        struct digest root = merkle_root(&l->tree);
        if (digest_equal(&root, &p->old.root))
            return 1;
    }
    l->tree_known = false;
    int read = read_edge(l, &p->old, e);
    if (read == 0)
        l->tree.size = 0;
    return read;
}

static int publish_locked(struct ledger *l, struct err *e)
{
    struct publisher p = {.ledger = l, .bundle = BUF(BUNDLE_MAX_BYTES), .e = e};
    uint64_t size;
    if (read_old(l, &p.old, e) < 0 || db_ledger_size(l->db, &size, e) < 0)
        return -1;
    if (size < p.old.size)
        return err_set(e, ERR_INPUT, 0, "state.db holds %llu ledger entries, but %llu were signed: rows are missing",
                       (unsigned long long)size, (unsigned long long)p.old.size);
    int whole = load_tree(&p, e);
    if (whole < 0)
        return -1;
    p.whole = whole;
    int result = 0;
    if (size > p.old.size || (!whole && size > 0))
        result = grow(&p, size, e);
    buf_fini(&p.bundle);
    return result;
}

int ledger_publish(struct ledger *l, struct err *e)
{
    if (!l->key)
        return 0;
    if (open_folder(l, e) < 0)
        return -1;
    auto_fd lock = file_lock(l->folder, ".lock", true, e);
    if (lock < 0)
        return -1;
    return publish_locked(l, e);
}
