#include "ledger/tiles.h"

#include <stdio.h>
#include <string.h>

#include "util/file.h"

static struct tile_name base_name(struct tile t)
{
    struct tile_name n;
    int at = t.level == TILE_ENTRIES ? snprintf(n.text, sizeof n.text, "tile/entries/")
                                     : snprintf(n.text, sizeof n.text, "tile/%u/", t.level);
    /* Groups of three digits; all but the last begin with an x. */
    uint64_t divisor = 1;
    while (t.index / divisor >= 1000)
        divisor *= 1000;
    for (; divisor; divisor /= 1000)
        at += snprintf(n.text + at, sizeof n.text - (size_t)at, divisor > 1 ? "x%03u/" : "%03u",
                       (unsigned)(t.index / divisor % 1000));
    return n;
}

struct tile_name tile_name(struct tile t)
{
    struct tile_name n = base_name(t);
    size_t at = strlen(n.text);
    if (t.width < TILE_WIDTH)
        snprintf(n.text + at, sizeof n.text - at, ".p/%u", t.width);
    return n;
}

/* Makes the directories above `name`, from the top. */
static int make_parents(int dir, const struct tile_name *name, struct err *e)
{
    struct tile_name part = *name;
    for (char *slash = strchr(part.text, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (dir_make(dir, part.text, 0755, e) < 0)
            return -1;
        *slash = '/';
    }
    return 0;
}

int tile_write(int dir, struct tile t, struct span bytes, struct err *e)
{
    struct tile_name name = tile_name(t);
    struct err why = {0};
    int result = file_write(dir, name.text, bytes, 0644, &why);
    if (result < 0 && why.code == ERR_NOTFOUND) /* the first of its directory */
        result = make_parents(dir, &name, &why) < 0 ? -1 : file_write(dir, name.text, bytes, 0644, &why);
    return result < 0 ? err_set(e, why.code, 0, "ledger: %s", why.msg) : 0;
}

int tile_read(int dir, struct tile t, struct buf *bytes, struct err *e)
{
    struct err why = {0};
    int result = file_read(dir, tile_name(t).text, bytes, &why);
    if (result < 0 && why.code == ERR_NOTFOUND && t.width < TILE_WIDTH)
        result = file_read(dir, base_name(t).text, bytes, &why);
    if (result == 0)
        return 0;
    return err_set(e, why.code, 0, "%s", why.code == ERR_NOTFOUND ? "missing" : why.msg);
}

int tile_read_hashes(int dir, struct tile t, struct digest *out, struct err *e)
{
    auto_buf bytes = BUF(TILE_WIDTH * DIGEST_SIZE);
    if (tile_read(dir, t, &bytes, e) < 0)
        return -1;
    size_t want = (size_t)t.width * DIGEST_SIZE;
    if (bytes.len != want && bytes.len != TILE_WIDTH * DIGEST_SIZE)
        return err_set(e, ERR_INPUT, 0, "has %zu bytes; wanted %zu, 32 for each of %u hashes", bytes.len, want,
                       t.width);
    memcpy(out, bytes.ptr, want);
    return 0;
}

int tile_read_entries(int dir, struct tile t, struct buf *bytes, struct span *entries, struct err *e)
{
    if (tile_read(dir, t, bytes, e) < 0)
        return -1;
    struct span rest = buf_span(bytes), entry;
    uint16_t len;
    unsigned count = 0;
    while (rest.len && count < TILE_WIDTH) {
        if (!span_take_be16(&rest, &len) || !span_take(&rest, len, &entry))
            return err_set(e, ERR_INPUT, 0, "entry %u of the file is cut off", count);
        if (count < t.width)
            entries[count] = entry;
        count++;
    }
    if (rest.len || (count != t.width && count != TILE_WIDTH))
        return err_set(e, ERR_INPUT, 0, "holds %u entries%s; wanted %u", count, rest.len ? " and more bytes" : "",
                       t.width);
    return 0;
}

/* How many bytes of `newest` its first `width` hashes or entries take; 0: it is cut off before. */
static size_t beginning(struct tile newest, struct span bytes, unsigned width)
{
    if (newest.level != TILE_ENTRIES)
        return bytes.len >= (size_t)width * DIGEST_SIZE ? (size_t)width * DIGEST_SIZE : 0;
    struct span rest = bytes;
    uint16_t len;
    for (unsigned i = 0; i < width; i++)
        if (!span_take_be16(&rest, &len) || !span_skip(&rest, len))
            return 0;
    return bytes.len - rest.len;
}

void tile_check_older(int dir, struct tile newest, void (*wrong)(void *arg, struct tile t, const char *why), void *arg)
{
    auto_buf whole = BUF(BUNDLE_MAX_BYTES);
    struct err why = {0};
    if (tile_read(dir, newest, &whole, &why) < 0)
        return;
    for (unsigned width = 1; width < newest.width; width++) {
        struct tile older = {newest.level, newest.index, width};
        auto_buf bytes = BUF(BUNDLE_MAX_BYTES);
        if (file_read(dir, tile_name(older).text, &bytes, &why) < 0) {
            if (why.code != ERR_NOTFOUND)
                wrong(arg, older, why.msg);
            continue;
        }
        struct span wanted = span_of(whole.ptr, beginning(newest, buf_span(&whole), width));
        if (!span_equal(buf_span(&bytes), wanted))
            wrong(arg, older, "an earlier part of this tile, and not its beginning");
    }
}

void bundle_add(struct buf *bundle, struct span entry)
{
    buf_add_be16(bundle, (uint16_t)entry.len);
    buf_add_span(bundle, entry);
}

int tile_prune(int dir, unsigned level, uint64_t index, struct err *e)
{
    struct tile_name name = base_name((struct tile){level, index, TILE_WIDTH});
    size_t at = strlen(name.text);
    snprintf(name.text + at, sizeof name.text - at, ".p");
    return tree_remove(dir, name.text, e);
}

int tile_source_hash(void *arg, unsigned level, uint64_t index, struct digest *out, struct err *e)
{
    struct tile_source *s = arg;
    uint64_t number = index / TILE_WIDTH;
    unsigned at = (unsigned)(index % TILE_WIDTH);
    if (s->have.width == 0 || s->have.level != level || s->have.index != number) {
        unsigned width = number < merkle_full_tiles(s->size, level) ? TILE_WIDTH : merkle_partial(s->size, level);
        struct tile t = {level, number, width};
        s->have.width = 0;
        if (at >= width)
            return err_set(e, ERR_SYSTEM, 0, "hash %llu of level %u is beyond the tree", (unsigned long long)index,
                           level);
        if (tile_read_hashes(s->dir, t, s->hashes, e) < 0)
            return err_prefix(e, "ledger/%s", tile_name(t).text);
        s->have = t;
    }
    *out = s->hashes[at];
    return 0;
}
