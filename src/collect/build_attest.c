/* SLSA provenance v1 (slsa.dev/spec/v1.0/provenance) of a wheel that was built here. It says no time, so that the same
 * inputs give the same bytes, and the same collection the same digest; when it was collected stands in the collection's
 * own record. */
#include <string.h>

#include "collect/build_internal.h"
#include "store/db_release.h"
#include "trust/statement.h"
#include "util/limits.h"
#include "version.h"

#define BUILD_TYPE "urn:airlock:build:wheel-twice:v1"

static void put_dependency(struct json_out *w, const struct package *p)
{
    json_out_object(w);
    json_put_string(w, "name", p->filename);
    json_put_object(w, "digest");
    json_put_string(w, "sha256", digest_hex(&p->digest).text);
    json_out_object_end(w);
    json_out_object_end(w);
}

static void put_dependencies(struct json_out *w, const struct building *b)
{
    const struct packages *all = &b->c->packages;
    json_put_array(w, "resolvedDependencies");
    put_dependency(w, b->sdist);
    for (size_t i = 0; i < all->count; i++)
        if (build_is_tool(&all->items[i]))
            put_dependency(w, &all->items[i]);
    json_out_array_end(w);
}

static void put_variation(struct json_out *w, const struct building *b, const struct variation *v)
{
    json_out_object(w);
    json_put_string(w, "path", v->tree);
    json_put_string(w, "umask", v->umask);
    json_put_string(w, "fileOrder", v->order);
    json_put_string(w, "locale", v->locale);
    json_put_string(w, "timeZone", v->zone);
    json_put_string(w, "hashSeed", v->seed);
    json_put_string(w, "host", v->host);
    json_put_string(w, "home", v->home);
    json_put_string(w, "fileTimes", v->shift);
    json_put_string(w, "clock", v->clock && b->faketime ? BUILD_CLOCK : "as it is");
    json_out_object_end(w);
}

static void put_internal(struct json_out *w, const struct building *b)
{
    json_put_object(w, "internalParameters");
    json_put_string(w, "command", "pip wheel --no-index --no-deps --use-pep517");
    json_put_string(w, "toolchain", b->toolchain);
    json_put_string(w, "network", "none");
    json_put_int(w, "sourceDateEpoch", b->epoch);
    json_put_bool(w, "permissionsFollowUmask", b->umask_matters);
    json_put_array(w, "runs");
    put_variation(w, b, &BUILD_VARIATIONS[0]);
    put_variation(w, b, &BUILD_VARIATIONS[b->umask_matters ? 2 : 1]);
    json_out_array_end(w);
    json_out_object_end(w);
}

static void write_predicate(const struct building *b, struct buf *out)
{
    struct json_out w;
    auto_buf builder = BUF(256);
    buf_printf(&builder, "urn:airlock:station:%s", b->c->s->config.id);
    json_out_init(&w, out);
    json_out_object(&w);
    json_put_object(&w, "buildDefinition");
    json_put_string(&w, "buildType", BUILD_TYPE);
    json_put_object(&w, "externalParameters");
    json_put_string(&w, "source", b->sdist->filename);
    json_out_object_end(&w);
    put_internal(&w, b);
    put_dependencies(&w, b);
    json_out_object_end(&w);
    json_put_object(&w, "runDetails");
    json_put_object(&w, "builder");
    json_put_string(&w, "id", buf_str(&builder));
    json_put_object(&w, "version");
    json_put_string(&w, "airlock", AIRLOCK_VERSION);
    json_out_object_end(&w);
    json_out_object_end(&w);
    json_out_object_end(&w);
    json_out_object_end(&w);
}

/* ── signed once ── */

struct earlier {
    struct building *b;
    const struct package *wheel;
    const json_t *predicate; /* what it must say */
    struct digest id;
    bool found;
};

/* A signature may be another each time: what was signed before is taken again, so that the collection is the same. */
static int match(void *arg, const struct evidence_row *row)
{
    struct earlier *m = arg;
    const struct public_key *key = m->b->c->s->public_key;
    struct err ignored = {0};
    auto_statement st = {0};
    if (statement_verify(m->b->c->parser, row->envelope, &key, 1, &m->wheel->digest, PREDICATE_PROVENANCE, &st,
                         &ignored) < 0 ||
        !json_equal(st.predicate, m->predicate))
        return 0;
    m->id = row->id;
    m->found = true;
    return 1;
}

static int sign(struct building *b, const struct package *wheel, struct span predicate, struct digest *id,
                struct err *e)
{
    struct json_out w;
    struct site *s = b->c->s;
    auto_buf entry = BUF(LIMIT_LEDGER_ENTRY_BYTES);
    if (site_begin(s, e) < 0)
        return -1;
    site_event(s, &w, &entry, "build");
    json_put_string(&w, "source", b->sdist->filename);
    json_put_digest(&w, "digest", &b->sdist->digest);
    json_put_string(&w, "result", "same");
    json_put_string(&w, "wheel", wheel->filename);
    json_put_digest(&w, "wheel-digest", &wheel->digest);
    if (site_evidence(s, wheel->filename, &wheel->digest, PREDICATE_PROVENANCE, "", "", predicate, id, e) == 0 &&
        site_commit(s, &w, NULL, e) == 0)
        return 0;
    site_rollback(s);
    return -1;
}

int build_attest(struct building *b, const struct package *wheel, struct err *e)
{
    auto_buf predicate = BUF(LIMIT_JSON_BYTES), envelope = BUF(2 * LIMIT_JSON_BYTES);
    write_predicate(b, &predicate);
    if (buf_check(&predicate, "provenance", e) < 0)
        return -1;
    auto_json wanted = json_parse(buf_span(&predicate), LIMIT_JSON_BYTES, "provenance", e);
    struct earlier m = {.b = b, .wheel = wheel, .predicate = wanted};
    if (!wanted || db_evidence_each(b->c->s->db, &wheel->digest, PREDICATE_PROVENANCE, match, &m, e) < 0 ||
        (!m.found && sign(b, wheel, buf_span(&predicate), &m.id, e) < 0) ||
        db_evidence_get(b->c->s->db, &m.id, &envelope, e) < 0 ||
        blob_put(b->c->s->blobs, buf_span(&envelope), &m.id, e) < 0)
        return -1;
    packages_add_evidence(&b->c->packages, BUILD_EVIDENCE, wheel->filename, &m.id, envelope.len);
    return 0;
}
