/* An exported ledger, looked at with nothing but a verification key. The entries are hashed and grown into a tree; each
 * tile is held against what the entries give, and the tree's root against the signed one. Where an entry and its hash
 * in tile/0 differ, the signed root says which of the two files is the damaged one: a second tree is grown from the
 * hashes of tile/0 from the first difference on. */
#include <stdio.h>
#include <string.h>

#include "ledger/ledger.h"
#include "ledger/ledger_internal.h"
#include "store/db_ledger.h"
#include "util/file.h"

#define DIFFERENCES_MAX 32 /* named one by one; more are counted */

struct difference {
    uint64_t index;
    struct digest entry, tile;
};

struct verifier {
    int dir;
    struct checkpoint checkpoint;
    struct buf *report;
    uint64_t wrong;
    struct merkle *by_entry, *by_tile; /* owned; by_tile only when they differ */
    struct difference differences[DIFFERENCES_MAX];
    uint64_t difference_count;
};

static void say(struct verifier *v, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct verifier *v, const char *format, ...)
{
    va_list args;
    v->wrong++;
    if (v->wrong > 200)
        return; /* the first ones name the cause */
    va_start(args, format);
    buf_vprintf(v->report, format, args);
    va_end(args);
    buf_add_byte(v->report, '\n');
}

static void say_tile(struct verifier *v, struct tile t, const char *why)
{
    say(v, "%s: %s", tile_name(t).text, why);
}

/* Hashes of level >= 1 against the file that holds them. Where entries and tile/0 differ, what either gives is right
 * here: which of them it is, the root says. */
static void compare_tile(struct verifier *v, struct tile t, const struct digest *computed)
{
    const struct digest *other = v->by_tile ? v->by_tile->edge[t.level] : computed;
    struct digest stored[TILE_WIDTH];
    struct err why = {0};
    if (tile_read_hashes(v->dir, t, stored, &why) < 0) {
        say_tile(v, t, why.msg);
        return;
    }
    for (unsigned i = 0; i < t.width; i++)
        if (!digest_equal(&stored[i], &computed[i]) && !digest_equal(&stored[i], &other[i]))
            say(v, "%s: hash %u is %s; the entries below it give %s", tile_name(t).text, i, digest_hex(&stored[i]).text,
                digest_hex(&computed[i]).text);
}

static int full_tile(void *arg, unsigned level, uint64_t index, const struct digest hashes[TILE_WIDTH])
{
    if (level > 0)
        compare_tile(arg, (struct tile){level, index, TILE_WIDTH}, hashes);
    return 0;
}

static void differs(struct verifier *v, uint64_t index, const struct digest *entry, const struct digest *tile)
{
    if (v->difference_count < DIFFERENCES_MAX)
        v->differences[v->difference_count] = (struct difference){index, *entry, *tile};
    v->difference_count++;
    if (v->by_tile)
        return;
    v->by_tile = malloc(sizeof *v->by_tile);
    if (!v->by_tile)
        abort();
    *v->by_tile = *v->by_entry;
}

/* One tile of level 0: its entries and its hashes. */
static void verify_tile(struct verifier *v, uint64_t index, unsigned width)
{
    struct tile hashes = {0, index, width}, entries = {TILE_ENTRIES, index, width};
    struct digest by_tile[TILE_WIDTH], by_entry[TILE_WIDTH];
    struct span spans[TILE_WIDTH];
    auto_buf bytes = BUF(BUNDLE_MAX_BYTES);
    struct err why = {0};
    bool have_tile = tile_read_hashes(v->dir, hashes, by_tile, &why) == 0;
    if (!have_tile)
        say_tile(v, hashes, why.msg);
    bool have_entries = tile_read_entries(v->dir, entries, &bytes, spans, &why) == 0;
    if (!have_entries)
        say_tile(v, entries, why.msg);
    for (unsigned i = 0; have_entries && i < width; i++)
        by_entry[i] = merkle_leaf(spans[i]);
    if (!have_entries && !have_tile)
        memset(by_entry, 0, sizeof by_entry);
    else if (!have_entries)
        memcpy(by_entry, by_tile, sizeof by_entry);
    if (!have_tile)
        memcpy(by_tile, by_entry, sizeof by_tile);
    for (unsigned i = 0; i < width; i++) {
        if (!digest_equal(&by_entry[i], &by_tile[i]))
            differs(v, index * TILE_WIDTH + i, &by_entry[i], &by_tile[i]);
        if (v->by_tile)
            merkle_add(v->by_tile, &by_tile[i], NULL, NULL);
        merkle_add(v->by_entry, &by_entry[i], full_tile, v);
    }
}

static void say_difference(struct verifier *v, const struct difference *d, bool entries_hold, bool tiles_hold)
{
    struct tile hashes = {0, d->index / TILE_WIDTH, TILE_WIDTH}, entries = {TILE_ENTRIES, hashes.index, TILE_WIDTH};
    if (hashes.index == merkle_full_tiles(v->checkpoint.size, 0))
        hashes.width = entries.width = merkle_partial(v->checkpoint.size, 0);
    unsigned long long index = d->index;
    if (entries_hold)
        say(v, "%s: the hash of entry %llu is %s; the entry and the signed root want %s", tile_name(hashes).text, index,
            digest_hex(&d->tile).text, digest_hex(&d->entry).text);
    else if (tiles_hold)
        say(v, "%s: entry %llu hashes to %s; its hash in %s and the signed root want %s", tile_name(entries).text,
            index, digest_hex(&d->entry).text, tile_name(hashes).text, digest_hex(&d->tile).text);
    else
        say(v, "%s: entry %llu hashes to %s, but %s says %s, and neither gives the signed root",
            tile_name(entries).text, index, digest_hex(&d->entry).text, tile_name(hashes).text,
            digest_hex(&d->tile).text);
}

static void verify_root(struct verifier *v)
{
    struct digest entries = merkle_root(v->by_entry), tiles = v->by_tile ? merkle_root(v->by_tile) : entries;
    bool entries_hold = digest_equal(&entries, &v->checkpoint.root);
    bool tiles_hold = digest_equal(&tiles, &v->checkpoint.root);
    for (uint64_t i = 0; i < v->difference_count && i < DIFFERENCES_MAX; i++)
        say_difference(v, &v->differences[i], entries_hold, tiles_hold);
    if (v->difference_count > DIFFERENCES_MAX)
        say(v, "%llu more entries and hashes differ", (unsigned long long)(v->difference_count - DIFFERENCES_MAX));
    if (!entries_hold && !tiles_hold && v->wrong == 0)
        say(v, "checkpoint: the signed root of %llu entries is %s; the entries give %s",
            (unsigned long long)v->checkpoint.size, digest_hex(&v->checkpoint.root).text, digest_hex(&entries).text);
}

static void say_older(void *arg, struct tile t, const char *why)
{
    say_tile(arg, t, why);
}

static void verify_older(struct verifier *v)
{
    uint64_t size = v->checkpoint.size;
    for (unsigned level = 0; level < MERKLE_LEVELS; level++) {
        struct tile t = {level, merkle_full_tiles(size, level), merkle_partial(size, level)};
        if (t.width == 0)
            continue;
        tile_check_older(v->dir, t, say_older, v);
        t.level = TILE_ENTRIES;
        if (level == 0)
            tile_check_older(v->dir, t, say_older, v);
    }
}

static void verify_tree(struct verifier *v)
{
    uint64_t size = v->checkpoint.size;
    v->by_entry = calloc(1, sizeof *v->by_entry);
    if (!v->by_entry)
        abort();
    for (uint64_t i = 0; i < merkle_full_tiles(size, 0); i++)
        verify_tile(v, i, TILE_WIDTH);
    if (merkle_partial(size, 0))
        verify_tile(v, merkle_full_tiles(size, 0), merkle_partial(size, 0));
    for (unsigned level = 1; level < MERKLE_LEVELS; level++)
        if (merkle_partial(size, level))
            compare_tile(v, (struct tile){level, merkle_full_tiles(size, level), merkle_partial(size, level)},
                         v->by_entry->edge[level]);
    verify_root(v);
    if (v->wrong == 0) /* else there is nothing that is known to be right */
        verify_older(v);
    free(v->by_entry);
    free(v->by_tile);
}

int ledger_verify(int dir, const char *vkey, struct buf *report, uint64_t *entries, struct err *e)
{
    struct verifier v = {.dir = dir, .report = report};
    auto_vkey key = {0};
    auto_buf note = BUF(NOTE_MAX_BYTES);
    struct err why = {0};
    if (vkey_parse(span_str(vkey), &key, e) < 0 || file_read(dir, LEDGER_CHECKPOINT, &note, e) < 0)
        return -1;
    if (checkpoint_check(buf_span(&note), &key, &why) < 0)
        say(&v, LEDGER_CHECKPOINT ": %s", why.msg);
    if (checkpoint_parse(buf_span(&note), &v.checkpoint, &why) == 0) {
        *entries = v.checkpoint.size;
        verify_tree(&v);
    }
    return v.wrong ? 0 : 1;
}

/* ── rows against files ── */

struct row_verifier {
    struct verifier v;
    struct merkle *tree;
    uint64_t next;
    struct buf bytes; /* the bundle that was read last */
    struct span entries[TILE_WIDTH];
    uint64_t bundle; /* its index + 1; 0: none */
};

/* The published entry `index`; false when its file cannot be read, which ledger_verify names. */
static bool published_entry(struct row_verifier *r, uint64_t index, struct span *out)
{
    uint64_t tile = index / TILE_WIDTH;
    if (r->bundle != tile + 1) {
        bool full = tile < merkle_full_tiles(r->v.checkpoint.size, 0);
        struct tile t = {TILE_ENTRIES, tile, full ? TILE_WIDTH : merkle_partial(r->v.checkpoint.size, 0)};
        r->bundle = 0;
        buf_clear(&r->bytes);
        if (tile_read_entries(r->v.dir, t, &r->bytes, r->entries, NULL) < 0)
            return false;
        r->bundle = tile + 1;
    }
    *out = r->entries[index % TILE_WIDTH];
    return true;
}

static int verify_row(void *arg, const struct ledger_row *row)
{
    struct row_verifier *r = arg;
    unsigned long long seq = row->seq;
    struct digest leaf = merkle_leaf(row->entry);
    struct span published;
    for (; r->next < row->seq; r->next++)
        say(&r->v, "state.db, ledger row %llu: missing", (unsigned long long)r->next);
    r->next = row->seq + 1;
    if (!digest_equal(&leaf, &row->leaf))
        say(&r->v, "state.db, ledger row %llu: its bytes hash to %s; the hash beside them is %s", seq,
            digest_hex(&leaf).text, digest_hex(&row->leaf).text);
    if (row->seq >= r->v.checkpoint.size)
        return 0;
    if (published_entry(r, row->seq, &published) && !span_equal(published, row->entry))
        say(&r->v, "state.db, ledger row %llu: not the bytes that were published (%s)", seq,
            tile_name((struct tile){TILE_ENTRIES, row->seq / TILE_WIDTH, TILE_WIDTH}).text);
    merkle_add(r->tree, &leaf, NULL, NULL);
    return 0;
}

static int verify_rows(struct row_verifier *r, struct ledger *l, struct err *e)
{
    auto_buf note = BUF(NOTE_MAX_BYTES);
    struct err why = {0};
    r->v.checkpoint.root = merkle_empty();
    if (ledger_checkpoint(l, &note, &r->v.checkpoint, &why) < 0 && why.code != ERR_NOTFOUND)
        say(&r->v, "%s", why.msg);
    r->v.dir = l->folder;
    if (db_ledger_each(l->db, 0, INT64_MAX, verify_row, r, e) < 0)
        return -1;
    for (; r->next < r->v.checkpoint.size; r->next++)
        say(&r->v, "state.db, ledger row %llu: missing; it was published and signed", (unsigned long long)r->next);
    struct digest root = merkle_root(r->tree);
    if (r->v.wrong == 0 && !digest_equal(&root, &r->v.checkpoint.root))
        say(&r->v, "state.db: the ledger's first %llu rows have the root %s; the checkpoint signed %s",
            (unsigned long long)r->v.checkpoint.size, digest_hex(&root).text, digest_hex(&r->v.checkpoint.root).text);
    return r->v.wrong ? 0 : 1;
}

int ledger_verify_rows(struct ledger *l, struct buf *report, struct err *e)
{
    struct row_verifier *r = calloc(1, sizeof *r);
    if (!r)
        abort();
    r->v.report = report;
    r->bytes = BUF(BUNDLE_MAX_BYTES);
    r->tree = calloc(1, sizeof *r->tree);
    if (!r->tree)
        abort();
    int result = verify_rows(r, l, e);
    buf_fini(&r->bytes);
    free(r->tree);
    free(r);
    return result;
}
