/* What the station says about a release, signed: how it was made (SLSA provenance v1), what is in it (CycloneDX), and
 * that it is this release (release v0.2, whose subject is the index). */
#include <string.h>

#include "ship/oci_write.h"
#include "ship/pack_internal.h"
#include "ship/sbom.h"
#include "store/db_release.h"
#include "trust/statement.h"
#include "util/limits.h"
#include "version.h"

#define BUILD_TYPE "urn:airlock:pack:v1"

static void put_input(struct json_out *w, const struct pack_input *in)
{
    json_out_object(w);
    json_put_string(w, "name", in->name);
    json_put_object(w, "digest");
    json_put_string(w, "sha256", digest_hex(&in->digest).text);
    json_out_object_end(w);
    json_put_object(w, "annotations");
    json_put_string(w, "part", in->part);
    json_out_object_end(w);
    json_out_object_end(w);
}

static void put_definition(struct json_out *w, const struct packing *p)
{
    json_put_object(w, "buildDefinition");
    json_put_string(w, "buildType", BUILD_TYPE);
    json_put_object(w, "externalParameters");
    json_put_string(w, "name", p->spec.name);
    json_put_string(w, "version", p->spec.version);
    json_put_object(w, "definition");
    json_put_object(w, "digest");
    json_put_string(w, "sha256", digest_hex(&p->definition).text);
    json_out_object_end(w);
    json_out_object_end(w);
    if (p->spec.model_source)
        json_put_string(w, "modelSource", p->spec.model_source);
    json_out_object_end(w);
    json_put_object(w, "internalParameters");
    json_out_object_end(w);
    json_put_array(w, "resolvedDependencies");
    for (size_t i = 0; i < p->input_count; i++)
        put_input(w, &p->inputs[i]);
    json_out_array_end(w);
    json_out_object_end(w);
}

static int provenance(struct packing *p, struct buf *out, struct err *e)
{
    auto_buf builder = BUF(256);
    buf_printf(&builder, "urn:airlock:station:%s", p->s->config.id);
    struct json_out w;
    json_out_init(&w, out);
    json_out_object(&w);
    put_definition(&w, p);
    json_put_object(&w, "runDetails");
    json_put_object(&w, "builder");
    json_put_string(&w, "id", buf_str(&builder));
    json_put_object(&w, "version");
    json_put_string(&w, "airlock", AIRLOCK_VERSION);
    json_out_object_end(&w);
    json_out_object_end(&w);
    json_put_object(&w, "metadata");
    json_put_time(&w, "startedOn", p->s->now_s);
    json_out_object_end(&w);
    json_out_object_end(&w);
    json_out_object_end(&w);
    return buf_check(out, "provenance", e);
}

static const char *component_type(const struct pack_input *in)
{
    if (strcmp(in->part, "model") == 0)
        return "machine-learning-model";
    if (strcmp(in->part, "engine") == 0 && in->executable)
        return "application";
    if (in->purl)
        return "library";
    return "file";
}

static int inventory(struct packing *p, struct buf *out, struct err *e)
{
    auto_free struct sbom_component *list = calloc(p->input_count + 1, sizeof *list);
    if (!list)
        abort();
    for (size_t i = 0; i < p->input_count; i++) {
        const struct pack_input *in = &p->inputs[i];
        bool model = strcmp(in->part, "model") == 0;
        list[i] = (struct sbom_component){.type = component_type(in),
                                          .name = model      ? p->spec.model_name
                                                  : in->purl ? in->package->name
                                                             : in->name,
                                          .version = in->package ? in->package->version : NULL,
                                          .purl = in->purl,
                                          .licence = model ? p->spec.model_licence : NULL,
                                          .part = in->part,
                                          .digest = &in->digest,
                                          .size = in->size};
    }
    struct sbom s = {
        .subject = {.type = "application",
                    .name = p->spec.name,
                    .version = p->spec.version,
                    .digest = &p->index.digest,
                    .size = p->index.size},
        .supplier = p->spec.owner,
        .seed = p->index.digest,
        .time_s = -1,
        .components = list,
        .count = p->input_count,
    };
    return sbom_write(&s, out, e);
}

static int release_statement(struct packing *p, struct buf *out, struct err *e)
{
    auto_buf purl = BUF(512);
    buf_printf(&purl, "pkg:oci/%s@sha256%%3A%s?tag=%s", p->spec.name, digest_hex(&p->index.digest).text,
               p->spec.version);
    struct json_out w;
    json_out_init(&w, out);
    json_out_object(&w);
    json_put_string(&w, "purl", buf_str(&purl));
    json_put_string(&w, "releaseId", p->spec.version);
    json_out_object_end(&w);
    return buf_check(out, "release statement", e);
}

/* Signs a predicate about the release, and hangs it on the index. */
static int sign(struct packing *p, const char *subject, const char *predicate_type, struct span predicate,
                struct pack_statement *out, struct err *e)
{
    auto_buf manifest = BUF(LIMIT_JSON_BYTES);
    const struct private_key *key = site_key(p->s, e);
    struct digest blob;
    out->predicate_type = predicate_type;
    if (!key ||
        statement_sign(subject, &p->index.digest, predicate_type, predicate, key, &out->envelope, &out->id, e) < 0 ||
        blob_put(p->s->blobs, buf_span(&out->envelope), &blob, e) < 0)
        return -1;
    oci_attachment(&p->index, &blob, out->envelope.len, predicate_type, &manifest);
    if (buf_check(&manifest, "attachment", e) < 0)
        return -1;
    return packing_put_bytes(p, buf_span(&manifest), MEDIA_OCI_MANIFEST, "", &out->manifest, e);
}

static int attest(struct packing *p, const char *subject, const char *predicate_type,
                  int (*write)(struct packing *, struct buf *, struct err *), struct pack_statement *out, struct err *e)
{
    auto_buf predicate = BUF(LIMIT_PREDICATE_BYTES);
    return write(p, &predicate, e) < 0 ? -1 : sign(p, subject, predicate_type, buf_span(&predicate), out, e);
}

/* ── how the packages were collected ── */

/* In order of arrival: the last one is the newest. */
static int keep_id(void *arg, const struct evidence_row *row)
{
    *(struct digest *)arg = row->id;
    return 0;
}

static int append(const char *bytes, size_t len, void *out)
{
    buf_add(out, bytes, len);
    return 0;
}

/* What the station signed about a collection is said again about the release that it went into, because an attestation
 * travels with what it is about. It names the collection. */
static int attest_collection(struct packing *p, const char *subject, const struct digest *collection,
                             struct pack_statement *out, struct err *e)
{
    const struct public_key *const keys[] = {p->s->public_key};
    struct digest id = {0};
    auto_buf envelope = BUF(LIMIT_MESSAGE_BYTES / 2), predicate = BUF(LIMIT_PREDICATE_BYTES);
    auto_statement statement = {0};
    struct child *parser = site_parser(p->s, e);
    if (!parser || db_evidence_each(p->s->db, collection, PREDICATE_COLLECTION, keep_id, &id, e) < 0 ||
        db_evidence_get(p->s->db, &id, &envelope, e) < 0 ||
        statement_verify(parser, buf_span(&envelope), keys, ARRAY_LEN(keys), collection, PREDICATE_COLLECTION,
                         &statement, e) < 0)
        return err_prefix(e, "the record of the collection %s", digest_text(collection).text);
    if (json_dump_callback(statement.predicate, append, &predicate, JSON_COMPACT) < 0 ||
        buf_check(&predicate, "the record of a collection", e) < 0)
        return err_set(e, ERR_LIMIT, 0, "the record of a collection is too long");
    return sign(p, subject, PREDICATE_COLLECTION, buf_span(&predicate), out, e);
}

int pack_attest(struct packing *p, const struct release *r, struct pack_statement out[PACK_STATEMENTS_MAX],
                size_t *count, struct err *e)
{
    auto_buf subject = BUF(256);
    struct digest empty;
    buf_printf(&subject, "%s:%s", r->name, r->version);
    if (blob_put(p->s->blobs, SPAN_LIT(OCI_EMPTY_TEXT), &empty, e) < 0)
        return -1;
    if (attest(p, buf_str(&subject), PREDICATE_PROVENANCE, provenance, &out[0], e) < 0 ||
        attest(p, buf_str(&subject), PREDICATE_CYCLONEDX, inventory, &out[1], e) < 0 ||
        attest(p, buf_str(&subject), PREDICATE_RELEASE, release_statement, &out[2], e) < 0)
        return -1;
    *count = 3;
    for (size_t i = 0; i < p->used_count; i++)
        if (attest_collection(p, buf_str(&subject), &p->used[i], &out[(*count)++], e) < 0)
            return -1;
    return 0;
}
