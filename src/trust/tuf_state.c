#include "trust/tuf_state.h"

#include <string.h>

/* ── one root after the other ── */

int tuf_root_step(struct child *parser, struct span bytes, const char *file, const struct tuf_root *before,
                  uint64_t version, struct tuf_meta *meta, struct tuf_root *root, struct err *e)
{
    auto_tuf_signed s = {0};
    *meta = (struct tuf_meta){0};
    *root = (struct tuf_root){0};
    if (tuf_signed_open(parser, bytes, file, &s, e) < 0 ||
        tuf_signed_by(&s, &before->holders[TUF_ROOT], file, "the root before it", e) < 0 ||
        tuf_meta_read(&s, bytes, "root", file, meta, e) < 0)
        return -1;
    if (meta->version != version)
        return err_set(e, ERR_INPUT, 0, "%s: /signed/version: %llu, wanted %llu: roots follow one another", file,
                       (unsigned long long)meta->version, (unsigned long long)version);
    if (tuf_root_read(meta, file, root, e) < 0)
        return -1;
    return tuf_signed_by(&s, &root->holders[TUF_ROOT], file, "the new root itself", e);
}

/* Takes the step on *root; *meta is the caller's. */
static int advance(struct child *parser, struct span bytes, const char *file, struct tuf_root *root, uint64_t version,
                   struct tuf_meta *meta, bool *rotated, struct err *e)
{
    struct tuf_root next;
    if (tuf_root_step(parser, bytes, file, root, version, meta, &next, e) < 0) {
        tuf_root_fini(&next);
        return -1;
    }
    for (enum tuf_role r = TUF_SNAPSHOT; r <= TUF_TIMESTAMP; r++)
        if (!tuf_holders_same_keys(&root->holders[r], &next.holders[r]))
            *rotated = true;
    tuf_root_fini(root);
    *root = next;
    return 0;
}

/* ── loading ── */

void tuf_state_fini(struct tuf_state *s)
{
    tuf_root_fini(&s->root);
    tuf_meta_fini(&s->timestamp);
    tuf_meta_fini(&s->snapshot);
}

struct span_of_roots {
    const char *station;
    uint64_t first, last;
    size_t count;
};

/* "12.root.json" */
static bool root_file(const char *file, uint64_t *version)
{
    struct span s = span_str(file), number;
    return span_take_until(&s, '.', &number) && span_equal_str(s, "root.json") && span_decimal(number, version) &&
           *version > 0;
}

static int see_root(void *arg, const char *station, const char *file, uint64_t version)
{
    struct span_of_roots *all = arg;
    uint64_t number;
    (void)version; /* the name says it too, and the file is what counts */
    if (strcmp(station, all->station) != 0 || !root_file(file, &number))
        return 0;
    if (all->count == 0 || number < all->first)
        all->first = number;
    if (number > all->last)
        all->last = number;
    all->count++;
    return 0;
}

static int damaged(struct err *e, const char *station)
{
    if (e->code == ERR_UNDECIDED)
        return -1;
    e->code = ERR_INPUT;
    err_prefix(e, "what state.db trusts of station %.16s is damaged", station);
    return err_hint(e, "Restore state.db, or run `airlock fsck`");
}

static int stored_file(struct db *db, const char *station, const char *file, struct buf *bytes, struct err *e)
{
    *bytes = BUF(LIMIT_TUF_TARGETS_BYTES);
    return db_trust_get(db, station, file, NULL, bytes, e);
}

/* The first root: its fingerprint is the station's name. */
static int load_first_root(struct db *db, const char *station, struct child *parser, struct tuf_state *s, struct err *e)
{
    char file[TUF_FILE_CHARS];
    auto_buf bytes = {0};
    auto_tuf_signed opened = {0};
    auto_tuf_meta meta = {0};
    snprintf(file, sizeof file, "%llu.root.json", (unsigned long long)s->first_root_version);
    if (stored_file(db, station, file, &bytes, e) < 0 ||
        tuf_signed_open(parser, buf_span(&bytes), file, &opened, e) < 0)
        return -1;
    struct digest d = digest_of(opened.canonical);
    if (strcmp(digest_hex(&d).text, station) != 0)
        return err_set(e, ERR_INPUT, 0, "%s: its fingerprint is %s, wanted %s", file, digest_hex(&d).text, station);
    if (tuf_meta_read(&opened, buf_span(&bytes), "root", file, &meta, e) < 0)
        return -1;
    s->root_version = meta.version;
    s->root_expires_s = meta.expires_s;
    return tuf_root_read(&meta, file, &s->root, e);
}

static int load_later_root(struct db *db, const char *station, struct child *parser, struct tuf_state *s, struct err *e)
{
    char file[TUF_FILE_CHARS];
    auto_buf bytes = {0};
    auto_tuf_meta meta = {0};
    bool rotated = false;
    snprintf(file, sizeof file, "%llu.root.json", (unsigned long long)s->root_version + 1);
    if (stored_file(db, station, file, &bytes, e) < 0 ||
        advance(parser, buf_span(&bytes), file, &s->root, s->root_version + 1, &meta, &rotated, e) < 0)
        return -1;
    s->root_version++;
    s->root_expires_s = meta.expires_s;
    return 0;
}

/* 1: loaded; 0: not there. Its signature was verified when it was accepted, by keys that may have gone since. */
static int load_accepted(struct db *db, const char *station, struct child *parser, const char *type,
                         struct tuf_meta *out, struct err *e)
{
    char file[TUF_FILE_CHARS];
    auto_buf bytes = {0};
    auto_tuf_signed opened = {0};
    struct err absent = {0};
    snprintf(file, sizeof file, "%s.json", type);
    if (stored_file(db, station, file, &bytes, &absent) < 0)
        return absent.code == ERR_NOTFOUND ? 0 : err_set(e, absent.code, absent.sys_errno, "%s", absent.msg);
    if (tuf_signed_open(parser, buf_span(&bytes), file, &opened, e) < 0 ||
        tuf_meta_read(&opened, buf_span(&bytes), type, file, out, e) < 0)
        return -1;
    return 1;
}

static int load_all(struct db *db, const char *station, struct child *parser, uint64_t last, struct tuf_state *out,
                    struct err *e)
{
    if (load_first_root(db, station, parser, out, e) < 0)
        return -1;
    while (out->root_version < last)
        if (load_later_root(db, station, parser, out, e) < 0)
            return -1;
    int timestamp = load_accepted(db, station, parser, "timestamp", &out->timestamp, e);
    int snapshot = timestamp < 0 ? -1 : load_accepted(db, station, parser, "snapshot", &out->snapshot, e);
    if (snapshot < 0)
        return -1;
    if (timestamp != snapshot)
        return err_set(e, ERR_INPUT, 0, "of timestamp.json and snapshot.json only one is there");
    return 0;
}

int tuf_state_load(struct db *db, const char *station, struct child *parser, struct tuf_state *out, struct err *e)
{
    struct err scratch;
    e = e ? e : &scratch;
    struct span_of_roots all = {.station = station};
    *out = (struct tuf_state){0};
    if (db_trust_each(db, see_root, &all, e) < 0)
        return -1;
    if (all.count == 0) {
        err_set(e, ERR_NOTFOUND, 0, "station %.16s is not trusted here", station);
        return err_hint(e, "Its root is added by: airlock trust root add FILE --fingerprint HEX");
    }
    out->first_root_version = all.first;
    if (load_all(db, station, parser, all.last, out, e) == 0)
        return 0;
    tuf_state_fini(out);
    *out = (struct tuf_state){0};
    return damaged(e, station);
}

/* ── roots that a medium brings ── */

void tuf_chain_fini(struct tuf_chain *c)
{
    for (size_t i = 0; i < c->count; i++)
        tuf_meta_fini(&c->list[i]);
    free(c->list);
    *c = (struct tuf_chain){0};
}

/* 1: there was a next root, and it is right; 0: there is none. */
static int follow_one(struct tuf_state *state, struct child *parser, const struct tuf_source *source,
                      struct tuf_chain *out, struct err *e)
{
    char file[TUF_FILE_CHARS];
    auto_buf bytes = BUF(LIMIT_TUF_ROOT_BYTES);
    struct err absent = {0};
    uint64_t version = state->root_version + 1;
    snprintf(file, sizeof file, "%llu.root.json", (unsigned long long)version);
    if (source->fetch(source->arg, file, &bytes, &absent) < 0) {
        if (absent.code == ERR_NOTFOUND)
            return 0;
        return err_set(e, absent.code, 0, "%s", absent.msg);
    }
    if (out->count == LIMIT_TUF_ROOT_ROTATIONS)
        return err_set(e, ERR_LIMIT, 0, "%s: more than %u new roots at once", file, LIMIT_TUF_ROOT_ROTATIONS);
    struct tuf_meta *meta = &out->list[out->count++];
    if (advance(parser, buf_span(&bytes), file, &state->root, version, meta, &out->rotated, e) < 0)
        return -1;
    state->root_version = version;
    state->root_expires_s = meta->expires_s;
    return 1;
}

int tuf_chain_follow(struct tuf_state *state, struct child *parser, const struct tuf_source *source,
                     struct tuf_chain *out, struct err *e)
{
    *out = (struct tuf_chain){.list = calloc(LIMIT_TUF_ROOT_ROTATIONS, sizeof *out->list)};
    if (!out->list)
        abort();
    int more;
    while ((more = follow_one(state, parser, source, out, e)) > 0)
        ;
    if (more < 0)
        return -1;
    if (out->rotated) {
        tuf_meta_fini(&state->timestamp);
        tuf_meta_fini(&state->snapshot);
    }
    return 0;
}

int tuf_chain_store(struct db *db, const char *station, const struct tuf_chain *c, uint64_t first_version,
                    struct err *e)
{
    for (size_t i = 0; i < c->count; i++) {
        char file[TUF_FILE_CHARS];
        snprintf(file, sizeof file, "%llu.root.json", (unsigned long long)(first_version + i));
        if (db_trust_set(db, station, file, first_version + i, buf_span(&c->list[i].bytes), e) < 0)
            return -1;
    }
    if (c->rotated &&
        (db_trust_remove(db, station, "timestamp.json", e) < 0 || db_trust_remove(db, station, "snapshot.json", e) < 0))
        return -1;
    return 0;
}
