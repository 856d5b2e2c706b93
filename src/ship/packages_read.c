/* Reading a packages document: the parse process makes plain JSON of the bytes, this makes packages of it. */
#include <string.h>

#include "ship/packages.h"
#include "ship/release_internal.h"
#include "ship/shipment.h"
#include "util/limits.h"

#define DOCUMENT_TIMEOUT_MS 60000
#define WORD_MAX            512U

/* ── words ── */

static bool is_one_of(const char *word, const char *const words[], size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(word, words[i]) == 0)
            return true;
    return false;
}

static int bad(const char *at, const char *key, const char *wanted, struct err *e)
{
    return err_set(e, ERR_INPUT, 0, "%s/%s: wanted %s", at, key, wanted);
}

static int take_word(const json_t *object, const char *key, const char *at, char **out, struct err *e)
{
    const char *text = json_need_string(object, key, at, e);
    if (!text)
        return -1;
    if (!*text || strlen(text) > WORD_MAX || !span_is_printable(span_str(text)))
        return bad(at, key, "1 to 512 printable ASCII characters", e);
    *out = strdup(text);
    if (!*out)
        abort();
    return 0;
}

/* Members of `about` that others rely on, per ecosystem. */
static int check_about(const struct package *p, const char *at, struct err *e)
{
    struct digest id;
    uint64_t size;
    if (strcmp(p->ecosystem, "pypi") == 0 &&
        (!json_need_string(p->about, "project", at, e) ||
         (json_object_get(p->about, "metadata") && (json_need_digest(p->about, "metadata", at, &id, e) < 0 ||
                                                    json_need_uint(p->about, "metadata-size", at, &size, e) < 0))))
        return -1;
    if (strcmp(p->ecosystem, "npm") == 0 &&
        (!json_need_string(p->about, "shasum", at, e) || !json_need_string(p->about, "integrity", at, e) ||
         !json_need_object(p->about, "manifest", at, e)))
        return -1;
    return strcmp(p->ecosystem, "deb") == 0 && !json_need_object(p->about, "control", at, e) ? -1 : 0;
}

static int take_parts(json_t *item, struct package *p, const char *at, struct err *e)
{
    static const char *const keys[] = {"ecosystem", "name",   "version", "filename", "digest", "size",
                                       "group",     "source", "hashes",  "about",    NULL};
    static const char *const ecosystems[] = {"pypi", "npm", "deb", "file", "hf"};
    const json_t *hashes, *about;
    if (json_only_keys(item, keys, at, e) < 0 || take_word(item, "ecosystem", at, &p->ecosystem, e) < 0 ||
        take_word(item, "name", at, &p->name, e) < 0 || take_word(item, "version", at, &p->version, e) < 0 ||
        take_word(item, "filename", at, &p->filename, e) < 0 || take_word(item, "group", at, &p->group, e) < 0 ||
        (json_object_get(item, "source") && take_word(item, "source", at, &p->source, e) < 0) ||
        json_need_digest(item, "digest", at, &p->digest, e) < 0 || json_need_uint(item, "size", at, &p->size, e) < 0 ||
        !(hashes = json_need_object(item, "hashes", at, e)) || !(about = json_need_object(item, "about", at, e)))
        return -1;
    p->hashes = json_incref((json_t *)(uintptr_t)hashes);
    p->about = json_incref((json_t *)(uintptr_t)about);
    if (!is_one_of(p->ecosystem, ecosystems, ARRAY_LEN(ecosystems)))
        return bad(at, "ecosystem", "pypi, npm, deb, file or hf", e);
    /* A file of a model repository lies in folders; nothing else does. */
    if (strcmp(p->ecosystem, "hf") != 0 && !release_file_name_ok(p->filename))
        return bad(at, "filename", "a file name, without a folder", e);
    return check_about(p, at, e);
}

static int take_packages(const json_t *list, struct packages *out, struct err *e)
{
    json_t *item;
    size_t i;
    if (json_array_size(list) > LIMIT_RELEASE_PARTS)
        return err_set(e, ERR_LIMIT, 0, "/packages: %zu; at most %u are read", json_array_size(list),
                       LIMIT_RELEASE_PARTS);
    json_array_foreach((json_t *)(uintptr_t)list, i, item)
    {
        char at[48];
        struct package p = {0};
        snprintf(at, sizeof at, "/packages/%zu", i);
        int result = take_parts(item, &p, at, e);
        packages_add(out, &p);
        if (result < 0)
            return -1;
    }
    return 0;
}

static int take_evidence(const json_t *list, struct packages *out, struct err *e)
{
    static const char *const keys[] = {"kind", "name", "digest", "size", NULL};
    json_t *item;
    size_t i;
    if (json_array_size(list) > LIMIT_RELEASE_PARTS)
        return err_set(e, ERR_LIMIT, 0, "/evidence: %zu; at most %u are read", json_array_size(list),
                       LIMIT_RELEASE_PARTS);
    json_array_foreach((json_t *)(uintptr_t)list, i, item)
    {
        char at[48];
        auto_free char *kind = NULL, *name = NULL;
        struct digest id;
        uint64_t size;
        snprintf(at, sizeof at, "/evidence/%zu", i);
        if (json_only_keys(item, keys, at, e) < 0 || take_word(item, "kind", at, &kind, e) < 0 ||
            take_word(item, "name", at, &name, e) < 0 || json_need_digest(item, "digest", at, &id, e) < 0 ||
            json_need_uint(item, "size", at, &size, e) < 0)
            return -1;
        packages_add_evidence(out, kind, name, &id, size);
    }
    return 0;
}

static int take_document(const json_t *root, struct packages *out, struct err *e)
{
    static const char *const keys[] = {"schema", "packages", "evidence", NULL};
    const char *schema;
    const json_t *list, *evidence;
    if (json_only_keys(root, keys, "", e) < 0 || !(schema = json_need_string(root, "schema", "", e)) ||
        !(list = json_need_array(root, "packages", "", e)) || !(evidence = json_need_array(root, "evidence", "", e)))
        return -1;
    if (strcmp(schema, PACKAGES_SCHEMA) != 0)
        return bad("", "schema", PACKAGES_SCHEMA, e);
    if (take_packages(list, out, e) < 0 || take_evidence(evidence, out, e) < 0)
        return -1;
    size_t count = out->count, proofs = out->evidence_count;
    if (packages_sort(out, e) < 0)
        return -1;
    return out->count == count && out->evidence_count == proofs ? 0 : bad("", "packages", "each once", e);
}

/* ── the document ── */

int packages_parse(struct child *parser, struct span text, const char *what, struct packages *out, struct err *e)
{
    char max[24];
    snprintf(max, sizeof max, "%u", LIMIT_PACKAGES_BYTES);
    struct child_request request = {
        .op = "json", .fd = -1, .input = text, .arg = span_str(max), .timeout_ms = DOCUMENT_TIMEOUT_MS};
    *out = (struct packages){0};
    auto_json root = child_call_json(parser, &request, what, e);
    if (!root)
        return -1;
    if (take_document(root, out, e) == 0)
        return 0;
    packages_fini(out);
    return err_prefix(e, "%s", what);
}

int packages_read(const struct blobs *b, struct child *parser, const struct digest *id, struct packages *out,
                  struct err *e)
{
    auto_buf text = BUF(LIMIT_PACKAGES_BYTES);
    *out = (struct packages){0};
    if (blob_read(b, id, &text, e) < 0)
        return err_prefix(e, "packages document");
    return packages_parse(parser, buf_span(&text), "packages document", out, e);
}

/* ── the document of a release ── */

static int need_blob(const struct release *r, const struct digest *id, uint64_t size, const char *name, size_t *named,
                     bool *seen, struct err *e)
{
    const struct release_blob *b = release_find_blob(r, id);
    if (!b || !b->packaged || b->size != size)
        return err_set(e, ERR_INPUT, 0, "packages document: %s is %s, %s", name, digest_text(id).text,
                       b && b->packaged ? "which has another size in the manifest"
                                        : "which the manifest does not have");
    bool *mark = &seen[b - r->blobs];
    *named += !*mark;
    *mark = true;
    return 0;
}

static int hold_against(const struct release *r, const struct packages *p, struct err *e)
{
    auto_free bool *seen = calloc(r->blob_count + 1, sizeof *seen);
    size_t named = 0;
    if (!seen)
        abort();
    for (size_t i = 0; i < p->count; i++) {
        const struct package *item = &p->items[i];
        struct digest id;
        uint64_t size;
        if (need_blob(r, &item->digest, item->size, item->filename, &named, seen, e) < 0 ||
            (package_metadata(item, &id, &size) && need_blob(r, &id, size, item->filename, &named, seen, e) < 0))
            return -1;
    }
    for (size_t i = 0; i < p->evidence_count; i++)
        if (need_blob(r, &p->evidence[i].digest, p->evidence[i].size, p->evidence[i].name, &named, seen, e) < 0)
            return -1;
    if (named == r->packages.layer_count)
        return 0;
    return err_set(e, ERR_INPUT, 0, "packages document: it names %zu files, and the manifest has %zu layers", named,
                   r->packages.layer_count);
}

int release_packages(const struct blobs *b, struct child *parser, const struct release *r, struct packages *out,
                     struct err *e)
{
    *out = (struct packages){0};
    if (!r->packages.there)
        return 0;
    if (packages_read(b, parser, &r->packages.config, out, e) < 0)
        return -1;
    if (hold_against(r, out, e) == 0)
        return 0;
    packages_fini(out);
    return -1;
}

int release_packages_of(struct site *s, const struct release *r, struct packages *out, struct err *e)
{
    struct release_row row;
    auto_buf names = BUF(4096);
    *out = (struct packages){0};
    if (!r->packages.there)
        return 0;
    struct child *parser = site_parser(s, e);
    if (!parser || db_release_get(s->db, &r->digest, &row, &names, e) < 0)
        return -1;
    struct blobs *b = release_blobs(s, &row, e);
    int result = b ? release_packages(b, parser, r, out, e) : -1;
    blobs_close(b);
    return result;
}
