/* Packing, from release.yaml to rows: a look at everything → parts → their manifests → index → signed statements → one
 * transaction → index.json. Blobs come before rows, so that an interrupted packing leaves blobs that nobody names, and
 * again completes it. */
#include "ship/pack.h"

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "ship/layout_index.h"
#include "ship/oci_write.h"
#include "ship/pack_internal.h"
#include "store/db_release.h"
#include "util/file.h"
#include "util/limits.h"

static void put_environment(struct json_out *w, const struct yaml *map)
{
    json_put_object(w, "environment");
    for (size_t i = 0; map && i < map->count; i++)
        json_put_string(w, map->keys[i], map->items[i]->text);
    json_out_object_end(w);
}

void pack_write_config(const struct packing *p, struct buf *out)
{
    struct json_out w;
    json_out_init(&w, out);
    json_out_object(&w);
    json_put_string(&w, "schema", RELEASE_CONFIG_SCHEMA);
    json_put_string(&w, "name", p->spec.name);
    json_put_string(&w, "version", p->spec.version);
    json_put_string(&w, "owner", p->spec.owner);
    json_put_string(&w, "licence", p->spec.model_licence);
    if (*p->spec.description)
        json_put_string(&w, "description", p->spec.description);
    json_put_object(&w, "model");
    json_put_string(&w, "name", p->spec.model_name);
    json_put_string(&w, "file", p->model.name);
    if (p->spec.model_repository)
        json_put_string(&w, "repository", p->spec.model_repository);
    json_out_object_end(&w);
    json_put_object(&w, "engine");
    json_put_array(&w, "command");
    for (size_t i = 0; i < p->spec.command_count; i++)
        json_out_string(&w, p->spec.command[i]);
    json_out_array_end(&w);
    put_environment(&w, p->spec.environment);
    json_out_object_end(&w);
    json_out_object_end(&w);
}

#define PARTS 5

static int put_parts(struct packing *p, struct release_blob parts[PARTS], const char *names[PARTS], struct err *e)
{
    const struct {
        const char *part, *file, *media_type;
    } rows[PARTS] = {
        {"prompts", p->spec.prompts, MEDIA_PROMPTS},   {"suite", p->spec.suite, MEDIA_SUITE},
        {"card", p->spec.card, "text/markdown"},       {"licence", p->spec.licence, "text/plain"},
        {"changes", p->spec.changes, "text/markdown"},
    };
    for (size_t i = 0; i < PARTS; i++) {
        names[i] = rows[i].part;
        if (packing_put_file(p, rows[i].part, rows[i].file, rows[i].media_type, &parts[i], e) < 0)
            return -1;
        if (parts[i].size > LIMIT_YAML_BYTES)
            return err_set(e, ERR_LIMIT, 0, "%s: %s: %llu bytes; at most %u", p->name, rows[i].part,
                           (unsigned long long)parts[i].size, LIMIT_YAML_BYTES);
    }
    return 0;
}

#define auto_blob AUTO(release_blob_fini) struct release_blob

static int put_config(struct packing *p, struct err *e)
{
    struct release_blob parts[PARTS] = {0};
    const char *names[PARTS];
    auto_blob config = {0};
    auto_buf text = BUF(LIMIT_JSON_BYTES);
    pack_write_config(p, &text);
    int result = packing_put_text(p, &text, MEDIA_RELEASE_CONFIG, &config, e);
    if (result == 0 && (result = put_parts(p, parts, names, e)) == 0) {
        buf_clear(&text);
        oci_manifest(MEDIA_RELEASE_CONFIG, &config, parts, names, PARTS, &text);
        result = packing_put_text(p, &text, MEDIA_OCI_MANIFEST, &p->config_manifest, e);
    }
    for (size_t i = 0; i < PARTS; i++)
        release_blob_fini(&parts[i]);
    return result;
}

/* The engine's descriptor names its platform, so that a client that wants one image out of an index takes this one. */
static void put_engine_descriptor(struct json_out *w, const struct packing *p)
{
    json_out_object(w);
    json_put_string(w, "mediaType", MEDIA_OCI_MANIFEST);
    json_put_digest(w, "digest", &p->engine_manifest.digest);
    json_put_uint(w, "size", p->engine_manifest.size);
    json_put_object(w, "platform");
    json_put_string(w, "architecture", p->architecture);
    json_put_string(w, "os", "linux");
    json_out_object_end(w);
    json_put_object(w, "annotations");
    json_put_string(w, ANNOTATION_PART, "engine");
    json_out_object_end(w);
    json_out_object_end(w);
}

static int put_index(struct packing *p, struct err *e)
{
    auto_buf text = BUF(LIMIT_JSON_BYTES);
    struct json_out w;
    json_out_init(&w, &text);
    json_out_object(&w);
    json_put_uint(&w, "schemaVersion", 2);
    json_put_string(&w, "mediaType", MEDIA_OCI_INDEX);
    json_put_string(&w, "artifactType", MEDIA_RELEASE);
    json_put_array(&w, "manifests");
    /* No artifactType in these descriptors (the manifests have it): skopeo 1.9 of Debian 12 would leave it out when it
     * copies the index, and so give the release another digest. */
    oci_descriptor(&w, &p->model_manifest, NULL, "model");
    put_engine_descriptor(&w, p);
    oci_descriptor(&w, &p->config_manifest, NULL, "config");
    if (p->packages_manifest.media_type)
        oci_descriptor(&w, &p->packages_manifest, NULL, "packages");
    json_out_array_end(&w);
    json_put_object(&w, "annotations");
    json_put_string(&w, ANNOTATION_TITLE, p->spec.name);
    json_put_string(&w, ANNOTATION_VERSION, p->spec.version);
    json_put_string(&w, ANNOTATION_LICENCES, p->spec.model_licence);
    json_put_string(&w, ANNOTATION_VENDOR, p->spec.owner);
    if (*p->spec.description)
        json_put_string(&w, ANNOTATION_DESCRIPTION, p->spec.description);
    json_out_object_end(&w);
    json_out_object_end(&w);
    return packing_put_text(p, &text, MEDIA_OCI_INDEX, &p->index, e);
}

/* 1: this release stands already; 0: new; -1: the version is taken by another. */
static int look_for_version(struct packing *p, struct err *e)
{
    struct release_row row;
    struct err absent = {0};
    auto_buf names = BUF(4096);
    if (db_release_find(p->s->db, p->spec.name, p->spec.version, &row, &names, &absent) < 0) {
        if (absent.code == ERR_NOTFOUND)
            return 0;
        return err_set(e, absent.code, absent.sys_errno, "%s", absent.msg);
    }
    if (digest_equal(&row.digest, &p->index.digest))
        return 1;
    err_set(e, ERR_EXISTS, 0, "%s:%s was packed before with other content: %s; this would be %s", p->spec.name,
            p->spec.version, digest_text(&row.digest).text, digest_text(&p->index.digest).text);
    return err_hint(e, "Versions are immutable: give the new content a new version in %s", p->name);
}

static int add_blob_row(struct packing *p, const struct digest *release, const struct digest *id,
                        const char *media_type, uint64_t size, struct err *e)
{
    if (db_blob_add(p->s->db, id, size, e) < 0)
        return -1;
    return db_release_blob_add(p->s->db, release, id, media_type, size, e);
}

static int add_statement_rows(struct packing *p, const struct pack_statement *st, struct err *e)
{
    struct evidence_row row = {.id = st->id,
                               .subject = p->index.digest,
                               .predicate_type = st->predicate_type,
                               .environment = "",
                               .result = "",
                               .origin = "station",
                               .time_s = p->s->now_s,
                               .envelope = buf_span(&st->envelope)};
    if (db_evidence_add(p->s->db, &row, e) < 0 ||
        add_blob_row(p, &p->index.digest, &st->id, MEDIA_DSSE, st->envelope.len, e) < 0)
        return -1;
    return add_blob_row(p, &p->index.digest, &st->manifest.digest, MEDIA_OCI_MANIFEST, st->manifest.size, e);
}

static int add_rows(struct packing *p, const struct release *r, const struct pack_statement *statements, size_t count,
                    struct err *e)
{
    struct digest empty = digest_of(SPAN_LIT(OCI_EMPTY_TEXT));
    struct release_row row = {.digest = r->digest,
                              .name = r->name,
                              .version = r->version,
                              .shipment = 0,
                              .admitted = true,
                              .time_s = p->s->now_s};
    if (db_release_add(p->s->db, &row, e) < 0)
        return -1;
    for (size_t i = 0; i < r->blob_count; i++)
        if (add_blob_row(p, &r->digest, &r->blobs[i].digest, r->blobs[i].media_type, r->blobs[i].size, e) < 0)
            return -1;
    for (size_t i = 0; i < count; i++)
        if (add_statement_rows(p, &statements[i], e) < 0)
            return -1;
    if (release_add_rows(p->s->db, r, &p->document, e) < 0)
        return -1;
    return add_blob_row(p, &r->digest, &empty, MEDIA_OCI_EMPTY, sizeof OCI_EMPTY_TEXT - 1, e);
}

static int record(struct packing *p, const struct release *r, const struct pack_statement *statements, size_t count,
                  struct err *e)
{
    struct json_out w;
    auto_buf entry = BUF(LIMIT_LEDGER_ENTRY_BYTES);
    if (site_begin(p->s, e) < 0)
        return -1;
    site_event(p->s, &w, &entry, "pack");
    json_put_string(&w, "name", r->name);
    json_put_string(&w, "version", r->version);
    json_put_digest(&w, "release", &r->digest);
    if (add_rows(p, r, statements, count, e) == 0 && site_commit(p->s, &w, NULL, e) == 0)
        return 0;
    site_rollback(p->s);
    return -1;
}

static int attest_and_record(struct packing *p, const struct release *r, struct err *e)
{
    struct pack_statement statements[PACK_STATEMENTS_MAX];
    size_t count;
    for (size_t i = 0; i < PACK_STATEMENTS_MAX; i++)
        statements[i] = (struct pack_statement){.envelope = BUF(LIMIT_MESSAGE_BYTES / 2)};
    int result = pack_attest(p, r, statements, &count, e) < 0 ? -1 : record(p, r, statements, count, e);
    for (size_t i = 0; i < PACK_STATEMENTS_MAX; i++) {
        buf_fini(&statements[i].envelope);
        release_blob_fini(&statements[i].manifest);
    }
    return result;
}

/* What will be read, for the progress: a file that is missing is complained of later. */
static uint64_t input_bytes(const struct packing *p)
{
    uint64_t total = 0;
    const char *files[] = {p->spec.model_file, p->spec.program};
    struct stat st;
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        if (files[i] && fstatat(p->dir, files[i], &st, 0) == 0)
            total += (uint64_t)st.st_size;
    for (size_t i = 0; i < p->spec.model_file_count; i++)
        if (fstatat(p->dir, p->spec.model_files[i].file, &st, 0) == 0)
            total += (uint64_t)st.st_size;
    for (size_t i = 0; i < p->spec.file_count; i++)
        if (fstatat(p->dir, p->spec.files[i].file, &st, 0) == 0)
            total += (uint64_t)st.st_size;
    for (size_t i = 0; i < p->package_count; i++)
        total += p->packages[i].package.size;
    return total;
}

static int pack(struct packing *p, struct pack_result *out, struct err *e)
{
    struct child *parser = site_parser(p->s, e);
    *out = (struct pack_result){0};
    if (!parser || pack_check(p, parser, out, e) < 0 || pack_packages_look(p, parser, out, e) < 0)
        return -1;
    ship_progress_start(p->progress, "pack", input_bytes(p));
    int result = pack_model(p, e) < 0 || pack_engine(p, e) < 0 || put_config(p, e) < 0 || pack_packages(p, e) < 0 ||
                         put_index(p, e) < 0
                     ? -1
                     : 0;
    ship_progress_end(p->progress);
    int known = result < 0 ? -1 : look_for_version(p, e);
    if (known < 0)
        return -1;
    /* What was written is read as a contour will read it: a release that cannot be read is never signed. */
    auto_release r = release_read(p->s->blobs, parser, &p->index.digest, e);
    if (!r || (!known && attest_and_record(p, r, e) < 0) || layout_index_write(p->s, e) < 0)
        return -1;
    out->digest = r->digest;
    out->blob_count = r->blob_count;
    out->package_count = p->document.count;
    out->already = known;
    snprintf(out->name, sizeof out->name, "%s", r->name);
    snprintf(out->version, sizeof out->version, "%s", r->version);
    for (size_t i = 0; i < r->blob_count; i++)
        out->size += r->blobs[i].size;
    return 0;
}

int pack_release(struct site *station, const char *file, bool unchecked, const struct pack_rule *rule,
                 const struct ship_progress *progress, struct pack_result *out, struct err *e)
{
    AUTO(packing_fini)
    struct packing p = {
        .s = station, .name = file, .dir = -1, .rule = rule, .progress = progress, .unchecked = unchecked};
    auto_buf text = BUF(LIMIT_YAML_BYTES);
    char folder[PATH_MAX];
    if (strlen(file) >= sizeof folder)
        return err_set(e, ERR_USAGE, 0, "the path of release.yaml is too long");
    memcpy(folder, file, strlen(file) + 1);
    if (file_read(AT_FDCWD, file, &text, e) < 0 || pack_spec_parse(buf_span(&text), file, &p.spec, e) < 0)
        return -1;
    p.definition = digest_of(buf_span(&text));
    p.dir = dir_open(AT_FDCWD, dirname(folder), e);
    return p.dir < 0 ? -1 : pack(&p, out, e);
}
