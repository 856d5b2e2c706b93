/* Stations: the first root that people compare, and what is trusted of each. */
#include <string.h>

#include "trust/tuf_state.h"

/* ── the first root ── */

int tuf_root_fingerprint(struct child *parser, struct span root, struct digest *out, struct err *e)
{
    auto_tuf_signed s = {0};
    if (tuf_signed_open(parser, root, "root", &s, e) < 0)
        return -1;
    *out = digest_of(s.canonical);
    return 0;
}

/* Verifies the file against the fingerprint and against itself. */
static int read_first(struct child *parser, struct span bytes, const char *fingerprint, struct tuf_meta *meta,
                      struct tuf_root *root, struct err *e)
{
    auto_tuf_signed s = {0};
    if (tuf_signed_open(parser, bytes, "root", &s, e) < 0)
        return -1;
    struct digest d = digest_of(s.canonical);
    if (strcmp(digest_hex(&d).text, fingerprint) != 0) {
        err_set(e, ERR_DENIED, 0, "the root has the fingerprint %s, and you gave %.70s", digest_hex(&d).text,
                fingerprint);
        return err_hint(e, "Nothing is trusted. Compare with the people of the station, by a way that is not this "
                           "medium");
    }
    if (tuf_meta_read(&s, bytes, "root", "root", meta, e) < 0 || tuf_root_read(meta, "root", root, e) < 0)
        return -1;
    return tuf_signed_by(&s, &root->holders[TUF_ROOT], "root", "the root itself", e);
}

/* The same station under a second name would let every shipment be received twice. */
static int check_new(struct db *db, struct child *parser, const char *fingerprint, const struct tuf_root *root,
                     struct err *e)
{
    auto_free struct tuf_station *list = NULL;
    size_t count;
    if (tuf_stations(db, &list, &count, e) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        auto_tuf_state known = {0};
        if (strcmp(list[i].id, fingerprint) == 0)
            return err_set(e, ERR_EXISTS, 0, "this root is trusted already");
        if (tuf_state_load(db, list[i].id, parser, &known, e) < 0)
            return -1;
        if (!tuf_holders_share_a_key(&known.root.holders[TUF_ROOT], &root->holders[TUF_ROOT]))
            continue;
        err_set(e, ERR_EXISTS, 0,
                "station %.16s has the same root keys and is trusted already, up to root version %llu", list[i].id,
                (unsigned long long)list[i].root_version);
        return err_hint(e, "Its newer roots come with its shipments");
    }
    return 0;
}

int tuf_root_add(struct db *db, struct child *parser, struct span root, const char *fingerprint, struct err *e)
{
    char file[TUF_FILE_CHARS];
    auto_tuf_meta meta = {0};
    AUTO(tuf_root_fini) struct tuf_root parsed = {0};
    if (read_first(parser, root, fingerprint, &meta, &parsed, e) < 0 ||
        check_new(db, parser, fingerprint, &parsed, e) < 0)
        return -1;
    snprintf(file, sizeof file, "%llu.root.json", (unsigned long long)meta.version);
    return db_trust_set(db, fingerprint, file, meta.version, root, e);
}

/* ── what is trusted ── */

struct listing {
    struct tuf_station *list;
    size_t count, room;
};

static struct tuf_station *entry_of(struct listing *l, const char *station)
{
    if (l->count && strcmp(l->list[l->count - 1].id, station) == 0) /* rows come sorted by station */
        return &l->list[l->count - 1];
    if (l->count == l->room) {
        l->room = l->room ? 2 * l->room : 8;
        l->list = reallocarray(l->list, l->room, sizeof *l->list);
        if (!l->list)
            abort();
    }
    struct tuf_station *s = &l->list[l->count++];
    *s = (struct tuf_station){0};
    snprintf(s->id, sizeof s->id, "%s", station);
    return s;
}

static int list_row(void *arg, const char *station, const char *file, uint64_t version)
{
    struct tuf_station *s = entry_of(arg, station);
    const char *dot = strchr(file, '.');
    if (strcmp(file, "timestamp.json") == 0)
        s->timestamp_version = version;
    if (!dot || strcmp(dot, ".root.json") != 0)
        return 0;
    if (s->first_root_version == 0 || version < s->first_root_version)
        s->first_root_version = version;
    if (version > s->root_version)
        s->root_version = version;
    return 0;
}

int tuf_stations(struct db *db, struct tuf_station **list, size_t *count, struct err *e)
{
    struct listing l = {0};
    *list = NULL;
    *count = 0;
    if (db_trust_each(db, list_row, &l, e) < 0) {
        free(l.list);
        return -1;
    }
    *list = l.list;
    *count = l.count;
    return 0;
}

int tuf_station_read(struct db *db, const char *station, struct child *parser, struct tuf_holder_view views[4],
                     int64_t *root_expires_s, struct err *e)
{
    auto_tuf_state state = {0};
    if (tuf_state_load(db, station, parser, &state, e) < 0)
        return -1;
    for (enum tuf_role r = TUF_ROOT; r <= TUF_TIMESTAMP; r++) {
        const struct tuf_holders *h = &state.root.holders[r];
        views[r] = (struct tuf_holder_view){.role = r, .threshold = h->threshold, .count = h->count};
        for (size_t i = 0; i < h->count; i++) {
            views[r].keys[i] = *public_key_id(h->list[i].key);
            views[r].kinds[i] = public_key_kind(h->list[i].key);
        }
    }
    *root_expires_s = state.root_expires_s;
    return 0;
}
