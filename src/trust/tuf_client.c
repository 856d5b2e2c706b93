/* The client workflow of TUF 1.0.34, section 5: roots (5.3), timestamp (5.4), snapshot (5.5), targets and what they
 * delegate (5.6), each against the time that was read once and against what was accepted before. */
#include <string.h>

#include "trust/tuf_state.h"
#include "util/clock.h"

struct tuf_update {
    struct tuf_chain chain;           /* roots that are new */
    struct tuf_meta metas[TUF_ROLES]; /* all but root; body NULL: not delegated */
    uint64_t base_root;               /* what was trusted when the update began */
    uint64_t base_timestamp;          /* 0: none */
    struct tuf_delegations delegated; /* by the targets role */
    struct tuf_target *targets;
    size_t count;
    int64_t expires_s;
};

struct refresh {
    struct child *parser;
    const struct tuf_source *source;
    struct tuf_state state;
    struct tuf_update *update;
    int64_t now_s;
};

static int check_expiry(const struct refresh *r, int64_t expires_s, const char *file, struct err *e)
{
    if (expires_s < r->update->expires_s)
        r->update->expires_s = expires_s;
    if (expires_s > r->now_s)
        return 0;
    err_set(e, ERR_DENIED, 0, "%s: expired at %s, and it is %s", file, time_text(expires_s).text,
            time_text(r->now_s).text);
    return err_hint(e, "Ask the station for a new shipment; if the date is wrong, set the clock");
}

/* Fetches, and holds the file against what its parent says of it, before a parser sees it. */
static int fetch(const struct refresh *r, const char *file, size_t cap, const struct tuf_listed *listed,
                 struct buf *out, struct err *e)
{
    if (listed && listed->has_length && listed->length < cap)
        cap = (size_t)listed->length;
    *out = BUF(cap);
    struct err why = {0};
    if (r->source->fetch(r->source->arg, file, out, &why) < 0) {
        if (why.code == ERR_LIMIT && listed && cap == listed->length)
            return err_set(e, ERR_INPUT, 0, "%s: more than %zu bytes, and the file that lists it says %zu", file, cap,
                           cap);
        return err_set(e, why.code, 0, "%s", why.msg);
    }
    if (!listed)
        return 0;
    if (listed->has_length && out->len != listed->length)
        return err_set(e, ERR_INPUT, 0, "%s: %zu bytes, and the file that lists it says %llu", file, out->len,
                       (unsigned long long)listed->length);
    struct digest d = digest_of(buf_span(out));
    if (listed->has_digest && !digest_equal(&d, &listed->digest))
        return err_set(e, ERR_INPUT, 0, "%s: its SHA-256 is %s, and the file that lists it says %s", file,
                       digest_hex(&d).text, digest_hex(&listed->digest).text);
    return 0;
}

/* Fetches a role's file and reads it: signatures by `holders`, type, version as listed. */
static int fetch_role(const struct refresh *r, enum tuf_role role, const char *file, size_t cap,
                      const struct tuf_listed *listed, const struct tuf_holders *holders, struct err *e)
{
    auto_buf bytes = {0};
    auto_tuf_signed s = {0};
    struct tuf_meta *meta = &r->update->metas[role];
    const char *type = role >= TUF_FIRST_DELEGEE ? "targets" : tuf_role_name(role);
    if (fetch(r, file, cap, listed, &bytes, e) < 0 || tuf_signed_open(r->parser, buf_span(&bytes), file, &s, e) < 0 ||
        tuf_signed_by(&s, holders, file, tuf_role_name(role), e) < 0 ||
        tuf_meta_read(&s, buf_span(&bytes), type, file, meta, e) < 0)
        return -1;
    if (listed && meta->version != listed->version)
        return err_set(e, ERR_INPUT, 0, "%s: /signed/version: %llu, and the file that lists it says %llu", file,
                       (unsigned long long)meta->version, (unsigned long long)listed->version);
    return 0;
}

static int rolled_back(struct err *e, const char *what, uint64_t found, uint64_t trusted)
{
    err_set(e, ERR_DENIED, 0, "%s: version %llu, and version %llu was accepted before", what, (unsigned long long)found,
            (unsigned long long)trusted);
    return err_hint(e, "This medium is older than one that was received: ask for the newest, and ask why");
}

/* ── roots ── */

static int refresh_roots(struct refresh *r, struct err *e)
{
    char file[TUF_FILE_CHARS];
    r->update->base_root = r->state.root_version;
    r->update->base_timestamp = r->state.timestamp.body ? r->state.timestamp.version : 0;
    if (tuf_chain_follow(&r->state, r->parser, r->source, &r->update->chain, e) < 0)
        return -1;
    snprintf(file, sizeof file, "%llu.root.json", (unsigned long long)r->state.root_version);
    return check_expiry(r, r->state.root_expires_s, file, e);
}

/* ── timestamp ── */

static int compare_timestamp(const struct refresh *r, const struct tuf_meta *new, struct err *e)
{
    const struct tuf_meta *old = &r->state.timestamp;
    struct tuf_listed before, after;
    if (!old->body)
        return 0;
    if (new->version < old->version)
        return rolled_back(e, "timestamp.json", new->version, old->version);
    if (new->version == old->version && digest_equal(&new->content, &old->content))
        return err_set(e, ERR_EXISTS, 0, "timestamp.json: version %llu was accepted before; there is nothing new",
                       (unsigned long long)new->version);
    if (new->version == old->version) {
        err_set(e, ERR_DENIED, 0,
                "timestamp.json: version %llu was accepted before with other content: the station signed two different "
                "files as one version",
                (unsigned long long)new->version);
        return err_hint(e, "Keep this medium and ask the station: its timestamp key may be in other hands");
    }
    if (tuf_listed_read(old, "snapshot.json", "stored timestamp.json", &before, e) < 0 ||
        tuf_listed_read(new, "snapshot.json", "timestamp.json", &after, e) < 0)
        return -1;
    return after.version < before.version
               ? rolled_back(e, "timestamp.json: /signed/meta/snapshot.json", after.version, before.version)
               : 0;
}

static int refresh_timestamp(struct refresh *r, struct err *e)
{
    const struct tuf_meta *meta = &r->update->metas[TUF_TIMESTAMP];
    if (fetch_role(r, TUF_TIMESTAMP, "timestamp.json", LIMIT_TUF_TIMESTAMP_BYTES, NULL,
                   &r->state.root.holders[TUF_TIMESTAMP], e) < 0 ||
        compare_timestamp(r, meta, e) < 0)
        return -1;
    return check_expiry(r, meta->expires_s, "timestamp.json", e);
}

/* ── snapshot ── */

/* No file that was listed before may vanish or go down. */
static int compare_snapshot(const struct refresh *r, const struct tuf_meta *new, const char *file, struct err *e)
{
    const struct tuf_meta *old = &r->state.snapshot;
    const json_t *listed = old->body ? json_object_get(old->body, "meta") : NULL;
    const char *name;
    json_t *entry;
    json_object_foreach((json_t *)(uintptr_t)listed, name, entry)
    {
        struct tuf_listed before, after;
        if (tuf_listed_read(old, name, "stored snapshot.json", &before, e) < 0)
            return -1;
        if (!json_object_get(json_object_get(new->body, "meta"), name))
            return err_set(e, ERR_DENIED, 0, "%s: lists no %.40s, which was listed before", file, name);
        if (tuf_listed_read(new, name, file, &after, e) < 0)
            return -1;
        if (after.version < before.version)
            return rolled_back(e, name, after.version, before.version);
    }
    return 0;
}

static int refresh_snapshot(struct refresh *r, struct err *e)
{
    char file[TUF_FILE_CHARS];
    struct tuf_listed listed;
    const struct tuf_meta *meta = &r->update->metas[TUF_SNAPSHOT];
    if (tuf_listed_read(&r->update->metas[TUF_TIMESTAMP], "snapshot.json", "timestamp.json", &listed, e) < 0)
        return -1;
    snprintf(file, sizeof file, "%llu.snapshot.json", (unsigned long long)listed.version);
    if (fetch_role(r, TUF_SNAPSHOT, file, LIMIT_TUF_SNAPSHOT_BYTES, &listed, &r->state.root.holders[TUF_SNAPSHOT], e) <
            0 ||
        compare_snapshot(r, meta, file, e) < 0)
        return -1;
    return check_expiry(r, meta->expires_s, file, e);
}

/* ── targets ── */

static int refresh_targets_of(struct refresh *r, enum tuf_role role, const struct tuf_holders *holders,
                              char file[TUF_FILE_CHARS], struct err *e)
{
    char listed_as[TUF_FILE_CHARS];
    struct tuf_listed listed;
    snprintf(listed_as, sizeof listed_as, "%s.json", tuf_role_name(role));
    if (tuf_listed_read(&r->update->metas[TUF_SNAPSHOT], listed_as, "snapshot.json", &listed, e) < 0)
        return -1;
    snprintf(file, TUF_FILE_CHARS, "%llu.%s.json", (unsigned long long)listed.version, tuf_role_name(role));
    const struct tuf_meta *meta = &r->update->metas[role];
    if (fetch_role(r, role, file, LIMIT_TUF_TARGETS_BYTES, &listed, holders, e) < 0 ||
        check_expiry(r, meta->expires_s, file, e) < 0)
        return -1;
    return tuf_targets_read(meta, role, file, &r->update->targets, &r->update->count, e);
}

static int refresh_delegee(struct refresh *r, enum tuf_role role, const struct tuf_holders *holders, struct err *e)
{
    char file[TUF_FILE_CHARS];
    struct tuf_delegations deeper;
    if (refresh_targets_of(r, role, holders, file, e) < 0 ||
        tuf_delegations_read(&r->update->metas[role], file, &deeper, e) < 0)
        return -1;
    bool delegates = false;
    for (enum tuf_role d = TUF_FIRST_DELEGEE; d < TUF_ROLES; d++)
        delegates |= deeper.holders[d].count > 0;
    tuf_delegations_fini(&deeper);
    return delegates ? err_set(e, ERR_INPUT, 0, "%s: delegates further; one level is allowed", file) : 0;
}

static int refresh_targets(struct refresh *r, struct err *e)
{
    char file[TUF_FILE_CHARS];
    struct tuf_delegations *delegated = &r->update->delegated;
    if (refresh_targets_of(r, TUF_TARGETS, &r->state.root.holders[TUF_TARGETS], file, e) < 0 ||
        tuf_delegations_read(&r->update->metas[TUF_TARGETS], file, delegated, e) < 0)
        return -1;
    for (enum tuf_role role = TUF_FIRST_DELEGEE; role < TUF_ROLES; role++)
        if (delegated->holders[role].count && refresh_delegee(r, role, &delegated->holders[role], e) < 0)
            return -1;
    return 0;
}

/* ── the whole ── */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct tuf_target *)a)->name, ((const struct tuf_target *)b)->name);
}

static int refresh_all(struct refresh *r, struct err *e)
{
    if (refresh_roots(r, e) < 0 || refresh_timestamp(r, e) < 0 || refresh_snapshot(r, e) < 0 ||
        refresh_targets(r, e) < 0)
        return -1;
    qsort(r->update->targets, r->update->count, sizeof *r->update->targets, by_name);
    return 0;
}

struct tuf_update *tuf_refresh(struct db *db, const char *station, struct child *parser,
                               const struct tuf_source *source, int64_t now_s, struct err *e)
{
    struct refresh r = {.parser = parser, .source = source, .now_s = now_s};
    if (tuf_state_load(db, station, parser, &r.state, e) < 0)
        return NULL;
    r.update = calloc(1, sizeof *r.update);
    if (!r.update)
        abort();
    r.update->expires_s = INT64_MAX;
    int result = refresh_all(&r, e);
    tuf_state_fini(&r.state);
    if (result == 0)
        return r.update;
    tuf_update_free(r.update);
    return NULL;
}

void tuf_update_free(struct tuf_update *u)
{
    if (!u)
        return;
    tuf_chain_fini(&u->chain);
    for (size_t i = 0; i < ARRAY_LEN(u->metas); i++)
        tuf_meta_fini(&u->metas[i]);
    tuf_delegations_fini(&u->delegated);
    free(u->targets);
    free(u);
}

size_t tuf_update_count(const struct tuf_update *u)
{
    return u->count;
}

const struct tuf_target *tuf_update_target(const struct tuf_update *u, size_t i)
{
    return &u->targets[i];
}

const struct tuf_target *tuf_update_find(const struct tuf_update *u, const char *name)
{
    struct tuf_target wanted = {.name = name};
    return u->count ? bsearch(&wanted, u->targets, u->count, sizeof wanted, by_name) : NULL;
}

uint64_t tuf_update_timestamp_version(const struct tuf_update *u)
{
    return u->metas[TUF_TIMESTAMP].version;
}

int64_t tuf_update_expires(const struct tuf_update *u)
{
    return u->expires_s;
}

const struct tuf_holders *tuf_update_holders(const struct tuf_update *u, enum tuf_role role)
{
    return &u->delegated.holders[role];
}

/* ── commit ── */

struct newest {
    const char *station;
    uint64_t root, timestamp;
};

static int see_stored(void *arg, const char *station, const char *file, uint64_t version)
{
    struct newest *n = arg;
    if (strcmp(station, n->station) != 0)
        return 0;
    if (strcmp(file, "timestamp.json") == 0)
        n->timestamp = version;
    const char *dot = strchr(file, '.');
    if (dot && strcmp(dot, ".root.json") == 0 && version > n->root)
        n->root = version;
    return 0;
}

static int check_base(struct db *db, const char *station, const struct tuf_update *u, struct err *e)
{
    struct newest n = {.station = station};
    if (db_trust_each(db, see_stored, &n, e) < 0)
        return -1;
    if (n.root == u->base_root && n.timestamp == u->base_timestamp)
        return 0;
    return err_set(e, ERR_BUSY, 0, "station %.16s: another command accepted metadata meanwhile; try again", station);
}

int tuf_commit(struct db *db, const char *station, const struct tuf_update *u, struct err *e)
{
    if (check_base(db, station, u, e) < 0 || tuf_chain_store(db, station, &u->chain, u->base_root + 1, e) < 0)
        return -1;
    for (enum tuf_role r = TUF_TARGETS; r < TUF_ROLES; r++) {
        char file[TUF_FILE_CHARS];
        const struct tuf_meta *meta = &u->metas[r];
        if (!meta->body)
            continue;
        snprintf(file, sizeof file, "%s.json", tuf_role_name(r));
        if (db_trust_set(db, station, file, meta->version, buf_span(&meta->bytes), e) < 0)
            return -1;
    }
    return 0;
}

int tuf_commit_roots(struct db *db, const char *station, struct child *parser, const struct tuf_source *source,
                     size_t *count, struct err *e)
{
    auto_tuf_state state = {0};
    auto_tuf_chain chain = {0};
    if (tuf_state_load(db, station, parser, &state, e) < 0)
        return -1;
    uint64_t first = state.root_version + 1;
    if (tuf_chain_follow(&state, parser, source, &chain, e) < 0)
        return -1;
    if (count)
        *count = chain.count;
    return tuf_chain_store(db, station, &chain, first, e);
}
