/* C2SP tlog-proof: that an entry is in the ledger, in a text file that needs nothing else but the verification key. */
#include "ledger/ledger.h"
#include "ledger/ledger_internal.h"
#include "store/db_ledger.h"
#include "util/encode.h"

static int copy_leaf(void *arg, const struct ledger_row *row)
{
    *(struct digest *)arg = merkle_leaf(row->entry);
    return 1;
}

/* A proof that does not hold is not handed out. */
static int check(struct ledger *l, uint64_t seq, const struct checkpoint *c, const struct digest *path, size_t count,
                 struct err *e)
{
    struct digest leaf;
    int found = db_ledger_each(l->db, seq, seq + 1, copy_leaf, &leaf, e);
    if (found < 0)
        return -1;
    if (found == 0)
        return err_set(e, ERR_NOTFOUND, 0, "state.db holds no ledger entry %llu", (unsigned long long)seq);
    if (merkle_proof_holds(seq, c->size, &leaf, path, count, &c->root))
        return 0;
    err_set(e, ERR_INPUT, 0, "the ledger's files do not prove entry %llu: they are damaged, or the row is",
            (unsigned long long)seq);
    return err_hint(e, "`airlock fsck` names what differs");
}

int ledger_prove(struct ledger *l, uint64_t seq, struct buf *proof, struct err *e)
{
    auto_buf note = BUF(NOTE_MAX_BYTES);
    struct checkpoint c;
    struct digest path[MERKLE_PATH_MAX];
    size_t count;
    if (ledger_checkpoint(l, &note, &c, e) < 0)
        return -1;
    if (seq >= c.size)
        return err_set(e, ERR_NOTFOUND, 0, "the published ledger has %llu entries, 0 to %llu; there is no entry %llu",
                       (unsigned long long)c.size, (unsigned long long)c.size - (c.size > 0), (unsigned long long)seq);
    struct tile_source tiles = {.dir = l->folder, .size = c.size};
    struct merkle_source source = {tile_source_hash, &tiles};
    if (merkle_prove(&source, seq, c.size, path, &count, e) < 0 || check(l, seq, &c, path, count, e) < 0)
        return -1;
    buf_printf(proof, "c2sp.org/tlog-proof@v1\nindex %llu\n", (unsigned long long)seq);
    for (size_t i = 0; i < count; i++) {
        base64_encode(span_of(path[i].bytes, DIGEST_SIZE), proof);
        buf_add_byte(proof, '\n');
    }
    buf_add_byte(proof, '\n');
    buf_add_span(proof, buf_span(&note));
    return buf_check(proof, "proof", e);
}
